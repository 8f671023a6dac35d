/**
 * The interchange circuits of ITU-T V.24, named from the terminal's view whichever end one holds, and the break signal.
 * `true` is ON. GSM 07.10 carries the same in its modem status command (3GPP TS 27.010 §5.4.6.3.7): RTC is DTR one way
 * and DSR the other, RTR is RTS and CTS, IC is RI, DV is DCD.
 */
export interface Circuits {
  /** Data terminal ready (108/2), driven by the DTE. */
  readonly dtr: boolean;
  /** Request to send (105), driven by the DTE. */
  readonly rts: boolean;
  /** Data carrier detect (109), driven by the DCE. */
  readonly dcd: boolean;
  /** Data set ready (107), driven by the DCE. */
  readonly dsr: boolean;
  /** Clear to send (106), driven by the DCE. */
  readonly cts: boolean;
  /** Ring indicator (125), driven by the DCE. */
  readonly ri: boolean;
  /** Break received from the far side, or being sent with `setCircuits({ break: true })`. */
  readonly break: boolean;
}

/** Which end of the cable a port is: the terminal's (DTE) or the module's (DCE). */
export type PortRole = 'dte' | 'dce';

/** All circuits of a line on which nobody has said anything yet: everything ready, no carrier, no ring. */
export const IDLE_CIRCUITS: Circuits = {
  dtr: true,
  rts: true,
  dcd: false,
  dsr: true,
  cts: true,
  ri: false,
  break: false,
};

/** The circuits that an end may set. Others in a `setCircuits` call are refused with `ERR_PORT_CIRCUIT_NOT_OURS`. */
export const DRIVEN_CIRCUITS = {
  dte: ['dtr', 'rts', 'break'],
  dce: ['dcd', 'dsr', 'cts', 'ri', 'break'],
} as const satisfies Record<PortRole, readonly (keyof Circuits)[]>;
