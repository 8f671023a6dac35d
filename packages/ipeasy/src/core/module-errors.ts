/** An error code of the module, in its words and in ours. */
export interface ModuleError {
  /** Our stable code. */
  readonly code: `ERR_IPEASY_${string}`;
  /** The text of +CME ERROR in verbose mode. */
  readonly words: string;
  /** What a person can do about it. */
  readonly hint: string;
}

const apn = 'Check the access point name, user and password of the context, and that the SIM may use packet data.';
const server = 'Check address and port, and that the server is up and accepts connections from the mobile network.';
const ftp = 'Check address, user and password of the FTP server, and try passive mode.';

/**
 * The +CME ERROR codes that the IP Easy commands end with: 3GPP TS 27.007 §9.2 below 550, Telit's own from 550
 * (sockets) and 600 (FTP). 400 to 414 and 420 to 434 are the same two lists on older modules.
 */
export const MODULE_ERRORS: Readonly<Record<number, ModuleError>> = {
  3: {
    code: 'ERR_IPEASY_NOT_ALLOWED',
    words: 'operation not allowed',
    hint: 'The socket or the port is in a state in which this command does not work.',
  },
  4: {
    code: 'ERR_IPEASY_NOT_SUPPORTED',
    words: 'operation not supported',
    hint: 'This firmware does not have the command, or a parameter is out of its range.',
  },
  10: { code: 'ERR_IPEASY_SIM', words: 'SIM not inserted', hint: 'Insert a SIM card.' },
  11: { code: 'ERR_IPEASY_SIM', words: 'SIM PIN required', hint: 'Enter the PIN with AT+CPIN first.' },
  12: { code: 'ERR_IPEASY_SIM', words: 'SIM PUK required', hint: 'The SIM is blocked: enter the PUK.' },
  13: { code: 'ERR_IPEASY_SIM', words: 'SIM failure', hint: 'Check the SIM card and its holder.' },
  14: { code: 'ERR_IPEASY_SIM', words: 'SIM busy', hint: 'Try again in a few seconds.' },
  30: {
    code: 'ERR_IPEASY_NO_NETWORK',
    words: 'no network service',
    hint: 'Check antenna, signal (AT+CSQ) and registration (AT+CREG?).',
  },
  31: { code: 'ERR_IPEASY_NO_NETWORK', words: 'network timeout', hint: 'Try again; check the signal with AT+CSQ.' },
  50: {
    code: 'ERR_IPEASY_NOT_SUPPORTED',
    words: 'incorrect parameters',
    hint: 'A parameter is out of the range of this firmware.',
  },
  100: { code: 'ERR_IPEASY_UNKNOWN', words: 'unknown', hint: 'The module gives no reason.' },
  103: { code: 'ERR_IPEASY_SIM', words: 'illegal MS', hint: 'The network does not accept this SIM.' },
  106: { code: 'ERR_IPEASY_SIM', words: 'illegal ME', hint: 'The network does not accept this module (its IMEI).' },
  107: { code: 'ERR_IPEASY_SIM', words: 'GPRS service not allowed', hint: 'The SIM may not use packet data.' },
  111: {
    code: 'ERR_IPEASY_NO_NETWORK',
    words: 'PLMN not allowed',
    hint: 'This network does not serve the SIM: choose another one (AT+COPS).',
  },
  112: {
    code: 'ERR_IPEASY_NO_NETWORK',
    words: 'location area not allowed',
    hint: 'The network does not serve the SIM in this place.',
  },
  113: {
    code: 'ERR_IPEASY_NO_NETWORK',
    words: 'roaming not allowed in this location area',
    hint: 'The SIM may not roam here: choose another network (AT+COPS).',
  },
  132: { code: 'ERR_IPEASY_ACTIVATION_FAILED', words: 'service option not supported', hint: apn },
  133: { code: 'ERR_IPEASY_ACTIVATION_FAILED', words: 'requested service option not subscribed', hint: apn },
  134: {
    code: 'ERR_IPEASY_ACTIVATION_FAILED',
    words: 'service option temporarily out of order',
    hint: 'Try again later.',
  },
  148: { code: 'ERR_IPEASY_ACTIVATION_FAILED', words: 'unspecified GPRS error', hint: apn },
  149: { code: 'ERR_IPEASY_AUTH_FAILED', words: 'PDP authentication failure', hint: apn },
  150: { code: 'ERR_IPEASY_ACTIVATION_FAILED', words: 'invalid mobile class', hint: apn },
  550: { code: 'ERR_IPEASY_UNKNOWN', words: 'generic undocumented error', hint: 'The module gives no reason.' },
  551: {
    code: 'ERR_IPEASY_WRONG_STATE',
    words: 'wrong state',
    hint: 'The connId is not in the state that this command needs; see status().',
  },
  552: {
    code: 'ERR_IPEASY_WRONG_MODE',
    words: 'wrong mode',
    hint: 'The socket is in use on another port, or not in the mode that this command needs.',
  },
  553: {
    code: 'ERR_IPEASY_ALREADY_ACTIVE',
    words: 'context already activated',
    hint: 'Nothing to do: the context is up.',
  },
  554: {
    code: 'ERR_IPEASY_ALREADY_ACTIVE',
    words: 'stack already active',
    hint: 'Another context or a call uses the stack: end it first.',
  },
  555: { code: 'ERR_IPEASY_ACTIVATION_FAILED', words: 'activation failed', hint: apn },
  556: {
    code: 'ERR_IPEASY_CONTEXT_NOT_ACTIVE',
    words: 'context not opened',
    hint: 'Call activate() first; if it was active, the network has taken it away.',
  },
  557: {
    code: 'ERR_IPEASY_NO_SOCKET',
    words: 'cannot setup socket',
    hint: 'The module has no socket left; close some.',
  },
  558: {
    code: 'ERR_IPEASY_CANNOT_RESOLVE',
    words: 'cannot resolve DN',
    hint: 'Check the spelling of the host name; the network may also have no name server.',
  },
  559: { code: 'ERR_IPEASY_CONNECT_TIMEOUT', words: 'time-out in opening socket', hint: server },
  560: { code: 'ERR_IPEASY_REFUSED', words: 'cannot open socket', hint: server },
  561: { code: 'ERR_IPEASY_REFUSED', words: 'remote disconnected or time-out', hint: server },
  562: { code: 'ERR_IPEASY_REFUSED', words: 'connection failed', hint: server },
  563: { code: 'ERR_IPEASY_SEND_FAILED', words: 'tx error', hint: 'The connection is probably gone: open it again.' },
  564: {
    code: 'ERR_IPEASY_ALREADY_LISTENING',
    words: 'already listening',
    hint: 'Another connId listens on this port number: choose another one.',
  },
  565: { code: 'ERR_IPEASY_DISCONNECTED', words: 'socket disconnection', hint: 'Open the connection again.' },
  566: {
    code: 'ERR_IPEASY_CANNOT_RESUME',
    words: 'can not resume socket',
    hint: 'The socket is neither suspended nor in command mode; see status().',
  },
  567: { code: 'ERR_IPEASY_ACTIVATION_FAILED', words: 'wrong APN', hint: apn },
  568: { code: 'ERR_IPEASY_ACTIVATION_FAILED', words: 'wrong PDP', hint: apn },
  569: { code: 'ERR_IPEASY_ACTIVATION_FAILED', words: 'service not supported', hint: apn },
  570: {
    code: 'ERR_IPEASY_ACTIVATION_FAILED',
    words: 'QOS not accepted',
    hint: 'Ask for less: see the quality of service of the context.',
  },
  571: {
    code: 'ERR_IPEASY_ACTIVATION_FAILED',
    words: 'NSAPI already used',
    hint: 'Deactivate the other context first.',
  },
  572: { code: 'ERR_IPEASY_ACTIVATION_FAILED', words: 'LLC or SNDCP failure', hint: 'Try again.' },
  573: { code: 'ERR_IPEASY_ACTIVATION_FAILED', words: 'network reject', hint: apn },
  600: { code: 'ERR_IPEASY_FTP_FAILED', words: 'generic undocumented error', hint: ftp },
  601: { code: 'ERR_IPEASY_FTP_WRONG_STATE', words: 'wrong state', hint: 'Another FTP command is still going on.' },
  602: {
    code: 'ERR_IPEASY_CONTEXT_NOT_ACTIVE',
    words: 'can not activate',
    hint: 'FTP needs context 1 active and connId 1 bound to it.',
  },
  603: {
    code: 'ERR_IPEASY_CANNOT_RESOLVE',
    words: 'can not resolve name',
    hint: 'Check the spelling of the name of the FTP server.',
  },
  604: { code: 'ERR_IPEASY_FTP_REFUSED', words: 'can not allocate control socket', hint: 'Close a socket first.' },
  605: { code: 'ERR_IPEASY_FTP_REFUSED', words: 'can not connect control socket', hint: ftp },
  606: { code: 'ERR_IPEASY_FTP_REFUSED', words: 'bad or no response from server', hint: ftp },
  607: { code: 'ERR_IPEASY_FTP_NOT_CONNECTED', words: 'not connected', hint: 'Open the FTP session first.' },
  608: {
    code: 'ERR_IPEASY_FTP_ALREADY_CONNECTED',
    words: 'already connected',
    hint: 'Close the other FTP session first.',
  },
  609: {
    code: 'ERR_IPEASY_CONTEXT_NOT_ACTIVE',
    words: 'context down',
    hint: 'The network has taken the context away: activate it again.',
  },
  610: { code: 'ERR_IPEASY_FTP_FAILED', words: 'no photo available', hint: 'Not an answer to an FTP command.' },
  611: { code: 'ERR_IPEASY_FTP_FAILED', words: 'can not send photo', hint: 'Not an answer to an FTP command.' },
  612: {
    code: 'ERR_IPEASY_FTP_OTHER_PORT',
    words: 'resource used by other instance',
    hint: 'FTP belongs to the port that opened it, until it is closed there.',
  },
};

const ALIASES: readonly (readonly [first: number, last: number, now: number])[] = [
  [400, 414, 550],
  [420, 434, 600],
];

/** What is known of a +CME ERROR code; undefined for codes that no IP Easy command ends with. */
export function moduleError(cme: number): ModuleError | undefined {
  for (const [first, last, now] of ALIASES) {
    if (cme >= first && cme <= last) return MODULE_ERRORS[cme - first + now];
  }
  return MODULE_ERRORS[cme];
}
