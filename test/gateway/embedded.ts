import { Gateway, type GatewayOptions } from '@cellmux/gateway';

/** What the program reports: one line for each thing that happens. */
export type Report = (line: string) => void;

/**
 * A small program with a gateway in it: sends one line to a server through a socket of the module, and tells the signal,
 * until it is told to stop.
 */
export async function runMeter(
  options: GatewayOptions,
  server: { readonly host: string; readonly port: number },
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  await using gateway = new Gateway(options);
  gateway.state$.subscribe((state) => {
    report(`state ${state}`);
  });
  gateway.events$.subscribe((event) => {
    if (event.type === 'outageEnded') report(`outage ${event.cause} ${event.durationMs > 0 ? 'over' : ''}`);
  });
  await gateway.start({ signal });
  const { lines } = await gateway.at.command('AT+CSQ', { signal });
  const socket = await gateway.dial(server, { signal });
  socket.end(`reading ${lines.join()}\n`);
  for await (const chunk of socket as AsyncIterable<Buffer>) report(`server ${chunk.toString().trim()}`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
  });
}
