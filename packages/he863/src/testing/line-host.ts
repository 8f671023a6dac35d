import { fromLatin1, latin1, memoryPair, type Port } from '@cellmux/port';
import { settle } from '@cellmux/port/testing';

/** A host on a line, for tests: says text, and gives what came back once all has settled. */
export class LineHost {
  readonly port: Port;
  #text = '';

  constructor(port: Port) {
    this.port = port;
    port.received$.subscribe({
      next: (chunk) => {
        this.#text += fromLatin1(chunk);
      },
      error: () => undefined,
    });
  }

  say(text: string): Promise<void> {
    return this.port.send(latin1(text));
  }

  /** What came since the last call. */
  async heard(): Promise<string> {
    for (let turn = 0; turn < 3; turn++) await settle();
    const text = this.#text;
    this.#text = '';
    return text;
  }

  async ask(text: string): Promise<string> {
    await this.say(text);
    return this.heard();
  }
}

/** A host and the line it is on; echo is off where `serve` says so. */
export async function hostOn(serve: (line: Port) => void): Promise<LineHost> {
  const { dte, dce } = memoryPair();
  serve(dce);
  const host = new LineHost(dte);
  await host.ask('ATE0\r');
  return host;
}
