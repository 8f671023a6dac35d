/** connIds that a module has, over all its ports (guide §3.2.2.6). */
export const CONNECTIONS = 6;

/** The most octets that one #SRECV hands out (guide §4.2.4). */
export const RECEIVE_LIMIT_BYTES = 1500;

/** The most octets that one #SSENDEXT takes on modules that say so in its test form. */
export const SEND_LIMIT_BYTES = 1500;

/** The most octets of one send where the module does not say (guide §4.2.3: more is truncated). */
export const SEND_DEFAULT_BYTES = 1020;

/** Characters of a command line that the HE863 buffers; a longer line is answered ERROR and not executed. */
export const COMMAND_LINE_LIMIT = 80;

/** Characters of a host name (RFC 1035 §2.3.4). */
export const HOST_NAME_LIMIT = 253;
