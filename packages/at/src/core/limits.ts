/** Bounds of what a peer can make the parser keep. */

/** The longest line kept, in bytes; a longer one is dropped whole and counted. */
export const LINE_LIMIT_BYTES = 8192;
/** The most information lines of one response. */
export const RESPONSE_LINE_LIMIT = 1024;
/** The most bytes of all information lines of one response. */
export const RESPONSE_LIMIT_BYTES = 256 * 1024;
/** The most raw bytes that one counted payload may announce. */
export const PAYLOAD_LIMIT_BYTES = 64 * 1024;
/** The most commands that wait for their turn. */
export const QUEUE_LIMIT_COMMANDS = 64;
/** The most bytes behind a NO CARRIER that are looked at to tell an end from data. */
export const DATA_END_TAIL_LIMIT_BYTES = 512;
