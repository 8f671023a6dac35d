/** The part of a `node:diagnostics_channel` channel that publishers use. */
export interface DiagnosticsChannel {
  /** False while nobody listens: then skip making the message. */
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
}

interface DiagnosticsModule {
  channel(name: string): DiagnosticsChannel;
}

const silent: DiagnosticsChannel = { hasSubscribers: false, publish: () => undefined };

// Asked for at run time, so that the same file also loads in a browser, where it stays silent.
const host = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
const module = host.process?.getBuiltinModule?.('node:diagnostics_channel') as DiagnosticsModule | undefined;

/**
 * The channel `cellmux:<layer>:<event>` of `node:diagnostics_channel`; outside Node.js one that nobody hears.
 *
 * @example
 * const frames = diagnosticsChannel('cellmux:cmux:event');
 * if (frames.hasSubscribers) frames.publish({ type: 'dlcOpened', dlci: 1 });
 */
export function diagnosticsChannel(name: `cellmux:${string}`): DiagnosticsChannel {
  return module?.channel(name) ?? silent;
}
