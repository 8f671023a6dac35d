import type { AbortOptions, Port } from '@cellmux/port';

/** A whole number as a parameter: its inclusive ranges as the test form prints them. */
export interface IntegerParameter {
  readonly kind: 'integer';
  /** The name in the guide, spelled as there: `connId`, `maxTo`. */
  readonly name: string;
  /** Inclusive ranges, for example `[[0, 3]]` or `[[0, 18], [31, 31]]`; a step (default 1) counts from the minimum. */
  readonly ranges: readonly (readonly [minimum: number, maximum: number, step?: number])[];
  /** Value when the parameter is left out or empty; without it the parameter must be given. */
  readonly default?: number;
}

/** A string as a parameter, quoted or not. */
export interface StringParameter {
  readonly kind: 'string';
  readonly name: string;
  /** The most characters allowed. */
  readonly maximumLength: number;
  /** The only values allowed, where they are few; compared as they are. */
  readonly allowed?: readonly string[];
  /** Value when the parameter is left out; without it the parameter must be given. */
  readonly default?: string;
}

/** One parameter of the set form of a command. Parameters with a default may only be followed by such. */
export type Parameter = IntegerParameter | StringParameter;

/** A parsed and range-checked argument; undefined never occurs: defaults are filled in. */
export type Argument = number | string;

/**
 * How a command line ends: a final result. `silent` prints nothing (the handler has printed the end itself). A `takeOver`
 * runs after OK was sent: it gets the whole line as a Port until its promise settles; then command mode is back, on the
 * port that it gives (what it read and did not use comes first there) or else on the line itself.
 */
export type CommandResult =
  | 'OK'
  | 'ERROR'
  | 'NO CARRIER'
  | 'BUSY'
  | 'NO DIALTONE'
  | 'NO ANSWER'
  | 'silent'
  | { readonly cme: number }
  | { readonly cms: number }
  | { readonly takeOver: (line: Port) => Promise<Port | undefined> };

/**
 * Why the data phase of a call ended: `escaped` by the escape sequence, or by DTR under &D1 (the call may go on later);
 * `dtrDropped` by DTR under &D2 (the call must end); `carrierLost` by `AtServer.dropCarrier`; `closed` by this
 * side; `lineLost` when the port itself is gone.
 */
export type DataPhaseEnd = 'escaped' | 'dtrDropped' | 'carrierLost' | 'closed' | 'lineLost';

/** Options of `CommandContext.connect`. */
export interface DataPhaseOptions {
  /**
   * Whether the characters of an escape sequence also reach the receiver of the call. Default: what the server's option
   * `forwardEscape` says.
   */
  readonly forwardEscape?: boolean;
}

/** The module's end of a data call: what the host sends is received here and the other way round. */
export interface DataPhase extends Port {
  /** Settles when command mode is back: the host escaped, dropped DTR, this side closed it, or the line died. */
  readonly ended: Promise<DataPhaseEnd>;
}

/** How `prompt()` reads its text. */
export type PromptEnd =
  { readonly kind: 'ctrlZ'; readonly maximumBytes: number } | { readonly kind: 'counted'; readonly bytes: number };

/** What a handler works with: one command of one line, on one port. */
export interface CommandContext<Session = unknown> extends Required<AbortOptions> {
  /** The module's own data for this port, as given to the server. */
  readonly session: Session;
  /** The name as declared. */
  readonly name: string;
  /** How many parameters the line gave to the set form, empty ones included; 0 in other forms. */
  readonly given: number;
  /**
   * Prints one information response, framed as V, S3 and S4 ask. The first of a command starts on a fresh line, those
   * behind it follow without a blank line.
   */
  info(text: string): void;
  /** Prints raw bytes as they are, for counted payloads. */
  raw(bytes: Uint8Array): void;
  /** Prints `\r\n> ` and reads what follows; undefined when the host aborted with ESC. */
  prompt(end: PromptEnd): Promise<Uint8Array | undefined>;
  /** Prints CONNECT (and `text` behind it) and enters data mode. DCD goes on per &C. The handler stays the running command:
   * its result is printed when it returns, behind the data. */
  connect(text?: string, options?: DataPhaseOptions): Promise<DataPhase>;
}

/** A handler gives a result, or a promise of it. What it throws becomes ERROR and an event, never a crash. */
export type Handler<Session, Rest extends readonly unknown[]> = (
  context: CommandContext<Session>,
  ...rest: Rest
) => CommandResult | Promise<CommandResult>;

/**
 * One command of the module: `AT<name>`, `AT<name>=…`, `AT<name>?` and `AT<name>=?`. A form without a handler answers as
 * the module does for an unknown form: ERROR, or +CME ERROR: 4 where enabled. The test form is made from `parameters`
 * unless `test` says otherwise.
 */
export interface CommandDeclaration<Session = unknown> {
  /** Upper case, with its prefix: `+CGDCONT`, `#SD`, `D`, `&C`. */
  readonly name: string;
  readonly parameters?: readonly Parameter[];
  /** The form without `=`; for basic commands (`&C1`, `S12=50`, `D*99#`) the text behind the name is the argument. */
  readonly execute?: Handler<Session, [text: string]>;
  readonly set?: Handler<Session, [args: readonly Argument[]]>;
  readonly read?: Handler<Session, []>;
  /**
   * Whether any octet from the host aborts it while it runs (V.250 §5.6.1): `signal` aborts, and the line ends in NO
   * CARRIER once the handler throws. Default: true for `D` and `A`, false for all others.
   */
  readonly abortable?: boolean;
  /** Text of the test form behind `<name>: `, `''` for a bare OK, or a handler of its own. */
  readonly test?: string | Handler<Session, []>;
}
