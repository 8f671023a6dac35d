/** How many connIds there are (guide §3.1). */
export const CONN_IDS = [1, 2, 3, 4, 5, 6] as const;
/** A connection identifier of the multisocket commands, 1 to 6. */
export type ConnId = (typeof CONN_IDS)[number];

/** What #SCFG sets for a connId (guide §3.2.1.2). */
export interface SocketConfiguration {
  /** The context that the connId works on, 1 to 5. */
  readonly cid: number;
  /** Bytes of a packet in online mode: 0 automatic, 1 to 1500; default 300. */
  readonly pktSz: number;
  /** Inactivity timeout in seconds: 0 never, 1 to 65535; default 90. */
  readonly maxTo: number;
  /** Connection timeout in 100 ms: 10 to 1200; default 600. */
  readonly connTo: number;
  /** Data sending timeout in 100 ms: 0 none, 1 to 255; default 50. */
  readonly txTo: number;
}

/** What #SCFGEXT sets for a connId (guide §4.2.2). */
export interface SocketExtendedConfiguration {
  /** SRING: 0 normal, 1 amount of data, 2 view of the data, 3 view with the source of a datagram. */
  readonly srMode: number;
  /** Received data in command mode: 0 text, 1 hex. */
  readonly recvDataMode: number;
  /** TCP keepalive in minutes, 0 off to 240. */
  readonly keepalive: number;
  /** A listener accepts by itself: 0 no, 1 yes. */
  readonly listenAutoRsp: number;
  /** Data for #SSEND: 0 text, 1 hex. */
  readonly sendDataMode: number;
}

/** Factory values of #SCFG; the context is what {@link FACTORY_BINDING} says. */
export const FACTORY_CONFIGURATION = { pktSz: 300, maxTo: 90, connTo: 600, txTo: 50 } as const;

/** Factory values of #SCFGEXT. */
export const FACTORY_EXTENDED: SocketExtendedConfiguration = {
  srMode: 0,
  recvDataMode: 0,
  keepalive: 0,
  listenAutoRsp: 0,
  sendDataMode: 0,
};

/** The context of connId 1 to 6 as a module leaves the factory. */
export const FACTORY_BINDING: readonly number[] = [1, 1, 1, 2, 2, 2];

/** Settings of all six connIds, index 0 for connId 1, as they lie in NVM. */
export interface SocketSettings {
  readonly configurations: readonly SocketConfiguration[];
  readonly extended: readonly SocketExtendedConfiguration[];
}

/** The settings of a module that nobody has configured. */
export function factorySettings(binding: readonly number[] = FACTORY_BINDING): SocketSettings {
  return {
    configurations: CONN_IDS.map((_, index) => ({ cid: binding[index] ?? 1, ...FACTORY_CONFIGURATION })),
    extended: CONN_IDS.map(() => FACTORY_EXTENDED),
  };
}

/** The largest `<maxByte>` of #SRECV and `<bytestosend>` of #SSENDEXT. */
export const MAXIMUM_TRANSFER_BYTES = 1500;
