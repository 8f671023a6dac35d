import type { Gateway } from '@cellmux/gateway';
import type { Clock } from '@cellmux/port';
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

/** A real TCP server that sends back what it gets, and can go away. */
export class EchoServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly port: number;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => {
      this.#clients.add(client);
      client.on('error', () => undefined);
      client.once('close', () => this.#clients.delete(client));
      client.pipe(client);
    });
  }

  static async start(): Promise<EchoServer> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new EchoServer(server);
  }

  /** Breaks every connection off. */
  breakOff(): void {
    for (const client of this.#clients) client.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const client of this.#clients) client.destroy();
    await once(this.#server, 'close');
  }
}

/** What became of what was sent. */
export interface Account {
  /** Octets, packets or commands given to the gateway. */
  sent: number;
  /** Those that came back as they were sent. */
  delivered: number;
  /** Those whose sender was told that they are, or may be, lost. */
  told: number;
  /** Codes of the errors by which senders were told, and how often. */
  readonly errors: Map<string, number>;
  /** What came back and differs from what was sent: never. */
  wrong: number;
  /** Answers without their beginning, which a fault of the line has swallowed: AT has no check that could tell. */
  cut: number;
}

function newAccount(): Account {
  return { sent: 0, delivered: 0, told: 0, errors: new Map(), wrong: 0, cut: 0 };
}

function note(account: Account, error: unknown): void {
  const code = String((error as { code?: unknown } | undefined)?.code ?? error);
  account.errors.set(code, (account.errors.get(code) ?? 0) + 1);
}

/** How the traffic is made. */
export interface TrafficOptions {
  readonly gateway: Gateway;
  readonly clock: Clock;
  readonly echo: EchoServer;
  /** Connections at the same time, 1 to 6. */
  readonly connections: number;
  /** From one ping, one write, one command to the next, ms. */
  readonly everyMs: number;
  /** Octets that a connection carries before it ends in order and the next begins; default 4000. */
  readonly bytesEach?: number;
  /** The line loses whole frames of what the module says: an answer may lack its beginning. Default false. */
  readonly mayCut?: boolean;
  /** Octets of one write; default 200. */
  readonly writeBytes?: number;
}

/** Work on all three ports at once, with an account of everything that was sent. */
export class GatewayTraffic {
  readonly sockets = newAccount();
  readonly ppp = newAccount();
  readonly at = newAccount();
  readonly #options: TrafficOptions;
  readonly #ending = new AbortController();
  readonly #jobs: Promise<void>[] = [];
  #seed = 1;

  constructor(options: TrafficOptions) {
    this.#options = options;
  }

  start(): void {
    for (let count = 0; count < this.#options.connections; count++)
      this.#jobs.push(this.#again(() => this.#connection()));
    this.#jobs.push(
      this.#again(() => this.#ping()),
      this.#again(() => this.#command()),
    );
  }

  /** Ends in order: what is under way comes to its end. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#jobs);
  }

  /** What is not accounted for; all of it is to be empty. */
  get unexplained(): Readonly<Record<string, number>> {
    const open: Record<string, number> = {};
    for (const [name, account] of Object.entries({ sockets: this.sockets, ppp: this.ppp, at: this.at })) {
      const missing = account.sent - account.delivered - account.told - account.cut;
      if (missing !== 0) open[`${name} without a word`] = missing;
      if (account.wrong !== 0) open[`${name} wrong`] = account.wrong;
      if (account.cut !== 0 && this.#options.mayCut !== true) open[`${name} cut`] = account.cut;
    }
    return open;
  }

  async #again(work: () => Promise<void>): Promise<void> {
    while (!this.#ending.signal.aborted) {
      await work();
      await new Promise<void>((resolve) => this.#options.clock.after(this.#options.everyMs, resolve));
    }
  }

  async #ping(): Promise<void> {
    const { gateway } = this.#options;
    const payload = this.#octets(200);
    this.ppp.sent++;
    try {
      await gateway.packets.ping('10.64.64.64', { payload, timeoutMs: 3000 });
      this.ppp.delivered++;
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ERR_GATEWAY_ECHO_DIFFERS') this.ppp.wrong++;
      else this.ppp.told++;
      note(this.ppp, error);
    }
  }

  async #command(): Promise<void> {
    this.at.sent++;
    try {
      const { lines } = await this.#options.gateway.at.command('AT+CGSN');
      if (lines.length > 1) this.at.wrong++;
      else if (/^\d{15}$/.test(lines[0] ?? '')) this.at.delivered++;
      else if (/^\d{0,14}$/.test(lines[0] ?? '')) this.at.cut++;
      else this.at.wrong++;
    } catch (error) {
      this.at.told++;
      note(this.at, error);
    }
  }

  /** One connection: writes, compares what comes back, ends in order, or learns why it broke. */
  async #connection(): Promise<void> {
    const { gateway, echo, clock, everyMs, bytesEach = 4000, writeBytes = 200 } = this.#options;
    let socket: Duplex;
    try {
      socket = await gateway.dial({ host: '127.0.0.1', port: echo.port });
    } catch (error) {
      note(this.sockets, error);
      return;
    }
    const sent = Buffer.alloc(bytesEach + writeBytes);
    let sentBytes = 0;
    let cameBack = 0;
    let isWrong = false;
    let failure: unknown;
    const closed = new Promise<void>((resolve) => socket.once('close', resolve));
    socket.on('error', (error) => (failure = error));
    socket.on('data', (chunk: Buffer) => {
      const expected = sent.subarray(cameBack, Math.min(sentBytes, cameBack + chunk.length));
      if (!expected.equals(chunk)) isWrong = true;
      cameBack += chunk.length;
    });
    while (sentBytes < bytesEach && failure === undefined && !socket.destroyed && !this.#ending.signal.aborted) {
      const chunk = Buffer.from(this.#octets(writeBytes));
      sent.set(chunk, sentBytes);
      sentBytes += chunk.length;
      this.sockets.sent += chunk.length;
      const taken = new Promise<void>((resolve) => {
        socket.write(chunk, () => {
          resolve();
        });
      });
      await Promise.race([taken, closed]);
      await new Promise<void>((resolve) => clock.after(everyMs, resolve));
    }
    if (failure === undefined && !socket.destroyed) {
      // All of it is to be back before the end: the module cannot close one direction alone.
      while (cameBack < sentBytes && failure === undefined && !socket.destroyed) {
        await new Promise<void>((resolve) => clock.after(everyMs, resolve));
      }
      socket.end();
    }
    await closed;
    this.sockets.delivered += cameBack;
    if (isWrong) this.sockets.wrong++;
    // Only an error tells: an end in order with octets missing would be a loss that nobody was told of.
    if (failure !== undefined) {
      this.sockets.told += sentBytes - cameBack;
      note(this.sockets, failure);
    }
  }

  #octets(length: number): Uint8Array {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    const start = this.#seed;
    return Uint8Array.from({ length }, (_, index) => (start + Math.imul(index, 2_654_435_761)) >>> 24);
  }
}
