import { CellmuxError } from '@cellmux/port';
import { createServer, request as httpRequest, ServerResponse, type IncomingMessage, type Server } from 'node:http';
import { pipeline, type Duplex } from 'node:stream';
import { asError } from '../errors/describe-error.ts';
import { formatHostPort, parseHostPort, type HostPort } from '../core/host-port.ts';
import type { Dial } from './dial.ts';
import { describeFailure } from './failure.ts';
import { hasToken } from './has-token.ts';
import { breakOff, joinStreams } from './join-streams.ts';
import { listen } from './listen.ts';

/** What a proxy did for a client, for logs. */
export type ProxyEvent =
  | { readonly type: 'proxyConnected'; readonly target: string; readonly method: string }
  | { readonly type: 'proxyFailed'; readonly target: string; readonly method: string; readonly error: unknown };

/** Options of {@link HttpProxy.listen}. */
export interface HttpProxyOptions {
  /** Where to listen; port 0 lets the system choose. */
  readonly local: HostPort;
  /** How connections to the far hosts are made. */
  readonly dial: Dial;
  readonly onEvent?: (event: ProxyEvent) => void;
  /** What clients must give as their password (Proxy-Authorization, Basic, any user name); default: nothing is asked for. */
  readonly token?: string | undefined;
}

/**
 * Headers between two neighbours only, never passed on (RFC 9110 §7.6.1); and those by which clients speak to a proxy.
 * Transfer-Encoding stays: Node reads the body with it and frames it anew in the same way.
 */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'proxy-authenticate',
  'te',
  'trailer',
  'upgrade',
  'expect',
]);

/**
 * An HTTP proxy (RFC 9110 §3.7, §9.3.6): CONNECT for anything, and requests with an absolute URI for plain http, as
 * `curl -x` sends them. Each connection to a far host is one {@link Dial}. What fails before an answer began is answered
 * with 502, 503 or 504, the error's code in `Cellmux-Error` and the reason in the body.
 */
export class HttpProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #dial: Dial;
  readonly #onEvent: (event: ProxyEvent) => void;
  readonly #token: string | undefined;
  readonly #open = new Set<Duplex>();
  readonly #ending = new AbortController();
  #address: HostPort;

  private constructor({ local, dial, onEvent, token }: HttpProxyOptions) {
    this.#token = token;
    this.#dial = dial;
    this.#onEvent = onEvent ?? (() => undefined);
    this.#address = local;
    // A body may take minutes on a slow line, so only the headers have a time limit.
    this.#server = createServer({ requestTimeout: 0, headersTimeout: 30_000 });
    this.#server.on('request', (request, response) => {
      void this.#forward(request, response);
    });
    this.#server.on('connect', (request, client, head) => {
      void this.#tunnel(request, client, head);
    });
  }

  /** Starts a proxy. Rejects with `ERR_GATEWAY_LOCAL` when it cannot listen there. */
  static async listen(options: HttpProxyOptions): Promise<HttpProxy> {
    const proxy = new HttpProxy(options);
    proxy.#address = await listen(proxy.#server, options.local, 'the proxy');
    return proxy;
  }

  /** Where it listens. */
  get address(): HostPort {
    return this.#address;
  }

  /** Stops listening and breaks every connection off that has not ended, on both sides. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    this.#ending.abort(new CellmuxError('ERR_GATEWAY_STOPPED', 'the gateway is stopping'));
    for (const stream of this.#open) breakOff(stream);
    this.#server.closeAllConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #tunnel(request: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    // Without a listener, an error of the client while the far host is dialled would end the process.
    client.on('error', () => client.destroy());
    this.#track(client);
    if (!this.#mayUse(request)) {
      client.end(plainResponse(407, TOKEN_WANTED, 'ERR_GATEWAY_TOKEN'));
      return;
    }
    const target = parseHostPort(request.url ?? '');
    if (target === undefined) {
      client.end(plainResponse(400, `CONNECT wants HOST:PORT, not ${JSON.stringify(request.url)}`));
      return;
    }
    client.unshift(head);
    const socket = await this.#connect('CONNECT', target, client);
    if (socket instanceof Error) {
      const { status, code, sentence } = describeFailure(socket);
      client.end(plainResponse(status, sentence, code));
      return;
    }
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    joinStreams(client, socket);
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#mayUse(request)) {
      refuse(response, 407, TOKEN_WANTED, 'ERR_GATEWAY_TOKEN');
      return;
    }
    const url = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : undefined;
    if (url?.protocol !== 'http:') {
      refuse(response, 400, 'This is a proxy: it wants CONNECT, or a request with an absolute http:// address');
      return;
    }
    const target = { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) };
    const socket = await this.#connect(request.method ?? 'GET', target, response);
    if (socket instanceof Error) {
      const { status, code, sentence } = describeFailure(socket);
      refuse(response, status, sentence, code);
      return;
    }
    const upstream = httpRequest({
      createConnection: () => socket,
      method: request.method ?? 'GET',
      path: `${url.pathname}${url.search}`,
      headers: [...endToEndHeaders(request), 'Connection', 'close'],
      setHost: false,
    });
    upstream.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEndHeaders(answer));
      // When the far host breaks off in the middle, so does the answer: the client must not take it for whole.
      pipeline(answer, response, () => {
        socket.destroy();
      });
    });
    upstream.on('error', (error) => {
      socket.destroy();
      if (response.headersSent) {
        response.destroy();
        return;
      }
      this.#onEvent({ type: 'proxyFailed', target: formatHostPort(target), method: request.method ?? 'GET', error });
      const { status, code, sentence } = describeFailure(error);
      refuse(response, status, sentence, code);
    });
    response.on('close', () => {
      socket.destroy();
    });
    pipeline(request, upstream, () => {
      // Either side's failure is dealt with above.
    });
  }

  /** Dials for a client that may leave meanwhile; gives the error instead of throwing it. */
  async #connect(method: string, target: HostPort, client: Duplex | ServerResponse): Promise<Duplex | Error> {
    const leaving = new AbortController();
    const onClose = (): void => {
      leaving.abort(new CellmuxError('ERR_GATEWAY_CLIENT_LEFT', 'the client closed its connection'));
    };
    client.once('close', onClose);
    const stopWatching = client instanceof ServerResponse ? undefined : onEndWithoutData(client, onClose);
    try {
      const socket = await this.#dial(target, { signal: AbortSignal.any([leaving.signal, this.#ending.signal]) });
      this.#track(socket);
      if (client.destroyed) socket.destroy();
      this.#onEvent({ type: 'proxyConnected', target: formatHostPort(target), method });
      return socket;
    } catch (error) {
      this.#onEvent({ type: 'proxyFailed', target: formatHostPort(target), method, error });
      return asError(error);
    } finally {
      client.off('close', onClose);
      stopWatching?.();
    }
  }

  #mayUse(request: IncomingMessage): boolean {
    return this.#token === undefined || hasToken(request.headers['proxy-authorization'], this.#token);
  }

  #track(stream: Duplex): void {
    this.#open.add(stream);
    stream.once('close', () => this.#open.delete(stream));
  }
}

/**
 * Calls back when a stream that nobody reads yet ends with nothing left to read. Its bytes stay where they are: an end
 * behind them is a half-close, and waits for its reader.
 */
function onEndWithoutData(stream: Duplex, callback: () => void): () => void {
  const onReadable = (): void => {
    if (stream.readableLength === 0) stream.read();
  };
  stream.on('readable', onReadable);
  stream.once('end', callback);
  return () => {
    stream.off('readable', onReadable);
    stream.off('end', callback);
  };
}

function endToEndHeaders(message: IncomingMessage): string[] {
  const named = (message.headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const kept: string[] = [];
  for (let index = 0; index < message.rawHeaders.length; index += 2) {
    const name = message.rawHeaders[index] ?? '';
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || named.includes(lower)) continue;
    kept.push(name, message.rawHeaders[index + 1] ?? '');
  }
  return kept;
}

function refuse(response: ServerResponse, status: number, sentence: string, code?: string): void {
  if (response.destroyed) return;
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    ...(code === undefined ? {} : { 'Cellmux-Error': code }),
    ...(status === 407 ? { 'Proxy-Authenticate': CHALLENGE } : {}),
    Connection: 'close',
  });
  response.end(`${sentence}\n`);
}

const CHALLENGE = 'Basic realm="cellmux", charset="UTF-8"';
const TOKEN_WANTED = 'The proxy wants its token as the password (ERR_GATEWAY_TOKEN).';

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  407: 'Proxy Authentication Required',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

function plainResponse(status: number, sentence: string, code?: string): string {
  const body = `${sentence}\n`;
  return [
    `HTTP/1.1 ${status} ${REASONS[status] ?? 'Bad Gateway'}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(code === undefined ? [] : [`Cellmux-Error: ${code}`]),
    ...(status === 407 ? [`Proxy-Authenticate: ${CHALLENGE}`] : []),
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
