/**
 * One thing that goes wrong. `port` is a port of the module: 0 the line itself (and with it all virtual ports while the
 * multiplexer runs), 1 to 3 a virtual port. Times are in ms.
 */
export type Fault =
  /** A power cycle, in the middle of whatever runs; AT is back after `bootMs` of the module. */
  | { readonly kind: 'reset' }
  /** The network takes a context. */
  | { readonly kind: 'context'; readonly cid: number }
  /** The data call on a port ends with NO CARRIER. */
  | { readonly kind: 'carrier'; readonly port: number }
  /** A port takes nothing more from the host. */
  | { readonly kind: 'stuck'; readonly port: number; readonly forMs: number }
  /** What a port says is lost. */
  | { readonly kind: 'silence'; readonly port: number; readonly forMs: number }
  /** Each of the next command lines, on any port, answers that much later. */
  | { readonly kind: 'late'; readonly delayMs: number; readonly lines: number }
  /** The next command lines, on any port, are ERROR and do nothing. */
  | { readonly kind: 'error'; readonly lines: number }
  /** Bytes that nobody said arrive at the host. */
  | { readonly kind: 'garbage'; readonly port: number; readonly bytes: number }
  /** Coverage is lost: contexts go, and registration is back after that time. */
  | { readonly kind: 'coverage'; readonly forMs: number }
  /** From the next power-on, or now while still searching, registration takes that long. */
  | { readonly kind: 'registration'; readonly afterMs: number }
  /** The next AT+CMUX are ERROR. */
  | { readonly kind: 'cmux'; readonly times: number }
  /** The next activations are refused with this +CME ERROR. */
  | { readonly kind: 'activation'; readonly cme: number; readonly times: number };

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
