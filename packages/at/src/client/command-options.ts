import type { AbortOptions, Port } from '@cellmux/port';

/** The text that a command asks for with its prompt `> `. */
export interface PromptText {
  readonly bytes: Uint8Array;
  /**
   * How the module learns of its end: Ctrl-Z behind it, which is added here, or a count within the command, which makes
   * any octet possible. With `ctrlZ` the text must hold neither Ctrl-Z (0x1A), ESC (0x1B) nor backspace (0x08).
   */
  readonly end: 'ctrlZ' | 'counted';
}

/** How one command is carried out. */
export interface CommandOptions extends AbortOptions {
  /**
   * From the moment the line is handed to the port to its final result, in milliseconds, 1 to 2^31-1; default that of the
   * client. A text for the prompt starts it anew once it has been sent.
   */
  readonly timeoutMs?: number | undefined;
  /** Goes before all commands that wait and are not urgent. */
  readonly urgent?: boolean | undefined;
  readonly prompt?: PromptText | undefined;
  /**
   * Asked for each information line: how many raw octets follow it. They come out as `payload`, whatever they hold.
   */
  readonly countedPayload?: ((line: string) => number | undefined) | undefined;
  /** The line holds a password or the like: it appears in no error and no event. */
  readonly secret?: boolean | undefined;
  /** Further lines that end this command, exactly as the module sends them. */
  readonly finalLines?: readonly string[] | undefined;
}

/** How a call is made. */
export interface ConnectOptions extends Omit<CommandOptions, 'prompt' | 'countedPayload' | 'finalLines'> {
  /**
   * The command that {@link DataCall.close} hangs up with once it has escaped; default `ATH` for a dialled call (`ATD`),
   * none for all others.
   */
  readonly hangUp?: string | false | undefined;
  /** Received bytes kept while nobody subscribes to the call; default 64 KiB. */
  readonly backlogLimitBytes?: number | undefined;
}

/** What a module answered to a command that ended in OK. */
export interface AtResponse {
  /** Information lines, without their ends. */
  readonly lines: readonly string[];
  /** The final result as received, or the verbose form of a numeric one: `OK`. */
  readonly result: string;
  /** All counted raw octets of the response, in order. */
  readonly payload?: Uint8Array;
}

/** A line that a module sent by itself. */
export interface Urc {
  /** The line without its end; of a line with counted data what stands before the data, its last comma included. */
  readonly text: string;
  /** The counted data of such a line. */
  readonly payload?: Uint8Array;
}

/** The response of a command behind which the line speaks something else, and the line. */
export interface HandedOver {
  readonly response: AtResponse;
  readonly port: Port;
}
