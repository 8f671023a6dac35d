import type { AtServer } from '@cellmux/at';
import type { Clock } from '@cellmux/port';
import type { He863Event } from './he863-event.ts';
import type { VirtualHe863Options } from './options.ts';

/** What a value kept over power cycles may be. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** The module's memory that survives a reset. */
export interface NonVolatileMemory {
  get(key: string): JsonValue | undefined;
  set(key: string, value: JsonValue): void;
  delete(key: string): void;
}

/** A PDP context as `+CGDCONT` defined it. */
export interface PdpContext {
  /** 1 to 5. */
  readonly cid: number;
  readonly type: string;
  readonly apn: string;
  /** Requested address; `''` or `0.0.0.0` is dynamic. */
  readonly address: string;
  /** Data compression: 0 off, 1 on. */
  readonly dComp: number;
  /** Header compression: 0 off, 1 on, 2 RFC 1144, 3 RFC 2507. */
  readonly hComp: number;
}

/** The contexts that are defined now. */
export interface PdpContexts {
  get(cid: number): PdpContext | undefined;
  all(): readonly PdpContext[];
}

/** Options of an activation. */
export interface ActivationOptions {
  readonly user?: string;
  readonly password?: string;
  /** #SGACTAUTH: 0 none, 1 PAP, 2 CHAP, 3 either; left out where nobody is asked for a user. */
  readonly authentication?: number;
  readonly signal?: AbortSignal;
}

/** The mobile network as the module sees it: registration, and contexts that it grants or refuses. */
export interface MobileNetwork {
  /** Activates a context; gives its address, or the +CME ERROR number of the refusal. */
  activate(cid: number, options?: ActivationOptions): Promise<{ readonly address: string } | { readonly cme: number }>;
  deactivate(cid: number): void;
  /** The +CME ERROR with which the socket that is dialled now is refused; undefined: it is not. */
  socketRefusal(): number | undefined;
}

/** Where a socket must be dialled so that it reaches the host it names, and what `#SS` shows. */
export interface DialTarget {
  readonly address: string;
  readonly port: number;
  readonly shownAddress: string;
  readonly shownPort: number;
}

/** Names to addresses: the table of the options first, then the machine's resolver. */
export interface HostResolver {
  /** Undefined: the name is not known. */
  target(host: string, port: number, transport: 'tcp' | 'udp', signal?: AbortSignal): Promise<DialTarget | undefined>;
}

/** The IP Easy side of the module: sockets, their contexts and the firewall. */
export interface SocketLayer {
  /** True while `#SGACT` has the context active. */
  contextActive(cid: number): boolean;
  contextAddress(cid: number): string | undefined;
  /** False while IP Easy uses the context: PPP and IP Easy never share one. */
  pppMayStart(cid: number): boolean;
  /** The network took the context: its sockets close, its listeners are aborted. */
  contextLost(cid: number): void;
  /** A port is gone (its DLC was closed, the line died). */
  sessionClosed(session: PortSession): void;
  /** A power cycle: everything is closed, nothing is said, non-volatile settings are read again. */
  reset(): Promise<void>;
  /** The end of the virtual module. */
  closeAll(): Promise<void>;
}

/** One AT port of the module: the bare line, or a virtual port of the multiplexer. */
export interface PortSession {
  /** `line`, `DLCI 1` … */
  readonly portName: string;
  /** 0 on the bare line, 1 to 3 on a virtual port. */
  readonly dlci: number;
  readonly server: AtServer<PortSession>;
  readonly module: ModuleServices;
  /** An unsolicited result code; held back while the port is busy or online, dropped when the port is gone. */
  urc(text: string): void;
}

/** What every part of the virtual module works with. */
export interface ModuleServices {
  readonly clock: Clock;
  readonly options: VirtualHe863Options;
  readonly sessions: ReadonlySet<PortSession>;
  readonly sockets: SocketLayer;
  readonly nvm: NonVolatileMemory;
  readonly contexts: PdpContexts;
  readonly network: MobileNetwork;
  readonly resolver: HostResolver;
  /** The context on which a PPP call is up. */
  readonly pppCid: number | undefined;
  /** Seeded; 0 up to, not including, 1. */
  random(): number;
  emit(event: He863Event): void;
}
