/**
 * One thing that goes wrong. `port` is a port of the module: 0 the line itself (and with it all virtual ports while the
 * multiplexer runs), 1 to 3 a virtual port. Times are in ms. What holds a port for a time also holds it when it is opened
 * anew; a power cycle ends it. What the network or the SIM does outlasts a power cycle.
 */
export type Fault =
  /** A power cycle, in the middle of whatever runs; AT is back after `bootMs` of the module. */
  | { readonly kind: 'reset' }
  /** The module closes its lines, and whatever line it is to serve in that time. */
  | { readonly kind: 'line'; readonly forMs: number }
  /** The multiplexer, or the next that is started, takes octets and answers none. */
  | { readonly kind: 'mux'; readonly forMs: number }
  /** The network takes a context. */
  | { readonly kind: 'context'; readonly cid: number }
  /** The data call on a port ends with NO CARRIER, also a suspended PPP call. */
  | { readonly kind: 'carrier'; readonly port: number }
  /** A port takes nothing more from the host. */
  | { readonly kind: 'stuck'; readonly port: number; readonly forMs: number }
  /** What a port says is lost. */
  | { readonly kind: 'silence'; readonly port: number; readonly forMs: number }
  /** Each of the next command lines answers that much later; without `port` on any port. */
  | { readonly kind: 'late'; readonly delayMs: number; readonly lines: number; readonly port?: number }
  /** The next command lines are ERROR and do nothing; without `port` on any port. */
  | { readonly kind: 'error'; readonly lines: number; readonly port?: number }
  /** Bytes that nobody said arrive at the host, where the port is open. */
  | { readonly kind: 'garbage'; readonly port: number; readonly bytes: number }
  /** No network is found: contexts go, and registration is back after that time. */
  | { readonly kind: 'coverage'; readonly forMs: number }
  /** The network refuses registration (`<stat>` 3): contexts go, and registration is back after that time. */
  | { readonly kind: 'denied'; readonly forMs: number }
  /** The SIM is out of order with that +CME ERROR (10 not inserted, 13 failure, 14 busy …); its PIN is asked anew. */
  | { readonly kind: 'sim'; readonly cme: number; readonly forMs: number }
  /** From the next search on, or now while still searching, registration takes that long. */
  | { readonly kind: 'registration'; readonly afterMs: number }
  /** The next AT+CMUX are ERROR. */
  | { readonly kind: 'cmux'; readonly times: number }
  /** The next ATD for PPP are NO CARRIER. */
  | { readonly kind: 'dial'; readonly times: number }
  /** The next activations by #SGACT, #GPRS or +CGACT are refused with this +CME ERROR. */
  | { readonly kind: 'activation'; readonly cme: number; readonly times: number }
  /** The next sockets that the host dials (#SD, #SKTD, #SKTOP) are refused with this +CME ERROR. */
  | { readonly kind: 'socket'; readonly cme: number; readonly times: number };

/** A fault and when it happens. */
export interface PlannedFault {
  readonly fault: Fault;
  /** From the start of the module, or from the time before when it repeats; 0 is at once. */
  readonly atMs: number;
  /** Up to that much later, by the module's seed. */
  readonly jitterMs: number;
  /** Again and again after that time; undefined: once. */
  readonly everyMs: number | undefined;
}

/** What `parseFaults` gives. */
export type FaultPlan = readonly PlannedFault[];
