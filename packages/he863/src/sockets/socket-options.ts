import { checkInteger, checkOneOf } from '@cellmux/port';
import { CONN_IDS, FACTORY_BINDING } from './machine/socket-settings.ts';

/**
 * What documentation leaves open or firmwares do differently about the IP Easy sockets, and where the machine's network
 * stands in for the mobile one. Every default is what most modules of this generation do.
 */
export interface SocketOptions {
  /** The context of connId 1 to 6 as from the factory; default 1,1,1,2,2,2. */
  readonly factoryBinding?: readonly number[];
  /** How many connIds may be online at the same time, 1 to 3; default 3 (guide §3.2.2.6; §3.2.3 reads like 1). */
  readonly maxOnlinePorts?: number;
  /** How many contexts may be active at the same time, 1 to 5; default 2 (guide §3.1). */
  readonly maxActiveContexts?: number;
  /** Bytes that a connId keeps for the host before the peer is held back; 1024 to 65536, default 16384. */
  readonly receiveWindowBytes?: number;
  /**
   * How long the far end takes to acknowledge what TCP sends, in ms, for `<ack_waiting>` of #SI; 0 to 60000, default 0. The
   * machine's network acknowledges at once, a mobile one does not.
   */
  readonly acknowledgeMs?: number;
  /** The most bytes that #SSEND takes, the rest is dropped; 1 to 1500, default 1020 (guide §4.2.3). */
  readonly sendLimitBytes?: number;
  /** Bytes of data in one SRING of the view mode; 1 to 1500, default 64 (guide §4.3.3). */
  readonly viewBytes?: number;
  /** What `viewBytes` counts where received data is shown in hex: octets, or characters; default `octets`. */
  readonly viewCounts?: 'octets' | 'characters';
  /** What `sendLimitBytes` counts where #SSEND is given hex: characters, or octets; default `characters`. */
  readonly hexSendLimit?: 'characters' | 'octets';
  /**
   * Which port hears SRING and NO CARRIER of a connId: the one that gave its #SD, #SL, #SA or #SO last, or the one that
   * gave its #SD or #SL, while that is open; default `lastUser`.
   */
  readonly unsolicitedTo?: 'lastUser' | 'opener';
  /** A peer that leaves before #SA: the connId listens on, or is closed with NO CARRIER; default `listening`. */
  readonly abandonedIncoming?: 'listening' | 'closed';
  /** Whether #TCPMAXDAT survives a power cycle; default `nvm`. */
  readonly tcpMaxDatKept?: 'nvm' | 'volatile';
  /** Case of hex digits in received data; default `upper`. */
  readonly hexCase?: 'upper' | 'lower';
  /** What #SRECV says when there is nothing to read, a +CME ERROR; default 555. */
  readonly srecvEmptyCme?: number;
  /** How a #SD fails that cannot connect; default `cme`. */
  readonly dialFailure?: 'cme' | 'noCarrier';
  /** The address of #SGACT in quotes; default false (guide §3.2.1.3 prints both). */
  readonly quoteAddress?: boolean;
  /** Which connIds refuse #SCFG and #SCFGEXT; default `open`: all that are not closed. The guide only says `online`. */
  readonly lockedConfiguration?: 'open' | 'online';
  /** Data that the host has not read when the peer resets the connection; default `kept`. */
  readonly unreadAfterReset?: 'kept' | 'dropped';
  /** Whether #SSEND works on connections that #SA accepted; default true. */
  readonly sendOnAccepted?: boolean;
  /** How #SRECV without `<UDPInfo>` reads datagrams; default `stream`: across their ends. */
  readonly udpReceive?: 'stream' | 'datagram';
  /** Whether #SRECV knows `<UDPInfo>`; default true. */
  readonly udpInfo?: boolean;
  /** Whether `<srMode>` 3 exists; default false. */
  readonly viewWithSource?: boolean;
  /** Whether `<ListenAutoRsp>` of #SCFGEXT does something; default true. */
  readonly listenAutoAccept?: boolean;
  /** When the `<txTo>` timer starts: at the first byte of a packet, or again at each; default `first`. */
  readonly txTimerFrom?: 'first' | 'last';
  /** What #SSEND answers to ESC; default `OK`. */
  readonly sendAborted?: 'OK' | 'ERROR';
  /** Which spellings of the send commands exist; default `both`: #SSEND and the guide's #SEND. */
  readonly sendSpelling?: 'both' | 'ssend' | 'send';
  /** Whether #SLASTCLOSURE and #ST exist, as on the modules that came after; default false. */
  readonly newerCommands?: boolean;
  /** First local port that #SS shows, counting up from there; default: the machine's own port numbers. */
  readonly firstLocalPort?: number;
  /** The machine's address that listeners bind; default 127.0.0.1. */
  readonly listenHost?: string;
  /** The machine's port for a listener's port, 0 for any free one; default the same number. */
  readonly listenPorts?: Readonly<Record<number, number>>;
  /** How an address of the machine looks to the firewall and in #SS when a peer connects from it. */
  readonly peerAddresses?: Readonly<Record<string, string>>;
}

/** {@link SocketOptions} with every default filled in and every range checked. */
export type CheckedSocketOptions = Required<Omit<SocketOptions, 'firstLocalPort'>> & {
  readonly firstLocalPort: number | undefined;
};

/**
 * Fills in the defaults.
 *
 * @throws CellmuxError `ERR_OPTION_RANGE`.
 */
export function checkSocketOptions(options: SocketOptions = {}): CheckedSocketOptions {
  const binding = options.factoryBinding ?? FACTORY_BINDING;
  checkInteger('factoryBinding.length', binding.length, CONN_IDS.length, CONN_IDS.length);
  for (const cid of binding) checkInteger('factoryBinding', cid, 1, 5);
  if (options.firstLocalPort !== undefined) checkInteger('firstLocalPort', options.firstLocalPort, 1, 65535);
  return {
    factoryBinding: binding,
    maxOnlinePorts: checkInteger('maxOnlinePorts', options.maxOnlinePorts ?? 3, 1, 3),
    maxActiveContexts: checkInteger('maxActiveContexts', options.maxActiveContexts ?? 2, 1, 5),
    receiveWindowBytes: checkInteger('receiveWindowBytes', options.receiveWindowBytes ?? 16_384, 1024, 65_536),
    acknowledgeMs: checkInteger('acknowledgeMs', options.acknowledgeMs ?? 0, 0, 60_000),
    sendLimitBytes: checkInteger('sendLimitBytes', options.sendLimitBytes ?? 1020, 1, 1500),
    viewBytes: checkInteger('viewBytes', options.viewBytes ?? 64, 1, 1500),
    viewCounts: checkOneOf('viewCounts', options.viewCounts ?? 'octets', ['octets', 'characters']),
    hexSendLimit: checkOneOf('hexSendLimit', options.hexSendLimit ?? 'characters', ['characters', 'octets']),
    unsolicitedTo: checkOneOf('unsolicitedTo', options.unsolicitedTo ?? 'lastUser', ['lastUser', 'opener']),
    abandonedIncoming: checkOneOf('abandonedIncoming', options.abandonedIncoming ?? 'listening', [
      'listening',
      'closed',
    ]),
    tcpMaxDatKept: checkOneOf('tcpMaxDatKept', options.tcpMaxDatKept ?? 'nvm', ['nvm', 'volatile']),
    hexCase: checkOneOf('hexCase', options.hexCase ?? 'upper', ['upper', 'lower']),
    srecvEmptyCme: checkInteger('srecvEmptyCme', options.srecvEmptyCme ?? 555, 0, 65_535),
    dialFailure: checkOneOf('dialFailure', options.dialFailure ?? 'cme', ['cme', 'noCarrier']),
    quoteAddress: options.quoteAddress ?? false,
    lockedConfiguration: checkOneOf('lockedConfiguration', options.lockedConfiguration ?? 'open', ['open', 'online']),
    unreadAfterReset: checkOneOf('unreadAfterReset', options.unreadAfterReset ?? 'kept', ['kept', 'dropped']),
    sendOnAccepted: options.sendOnAccepted ?? true,
    udpReceive: checkOneOf('udpReceive', options.udpReceive ?? 'stream', ['stream', 'datagram']),
    udpInfo: options.udpInfo ?? true,
    viewWithSource: options.viewWithSource ?? false,
    listenAutoAccept: options.listenAutoAccept ?? true,
    txTimerFrom: checkOneOf('txTimerFrom', options.txTimerFrom ?? 'first', ['first', 'last']),
    sendAborted: checkOneOf('sendAborted', options.sendAborted ?? 'OK', ['OK', 'ERROR']),
    sendSpelling: checkOneOf('sendSpelling', options.sendSpelling ?? 'both', ['both', 'ssend', 'send']),
    newerCommands: options.newerCommands ?? false,
    firstLocalPort: options.firstLocalPort,
    listenHost: options.listenHost ?? '127.0.0.1',
    listenPorts: options.listenPorts ?? {},
    peerAddresses: options.peerAddresses ?? {},
  };
}
