import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import { CellmuxError } from '@cellmux/port';
import type { HostPort } from '../core/host-port.ts';
import { isLoopback } from '../core/is-loopback.ts';
import { describeError } from '../errors/describe-error.ts';
import { describeGatewayEvent } from '../cli/describe-gateway-event.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { hasToken } from '../gateway/has-token.ts';
import { listen } from '../gateway/listen.ts';
import pc from 'picocolors';
import { levelOf } from './event-level.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';

/** What one address serves. */
export interface HttpOptions {
  readonly local: HostPort;
  /** What is to be given as the password of HTTP Basic, or as a Bearer; default: nothing is asked for. */
  readonly token?: string | undefined;
  readonly metrics?: GatewayMetrics | undefined;
  readonly dashboard?: boolean;
}

/** Files of the page, in the package beside the sources and beside what is built. */
const FOLDER = new URL('../../dashboard/', import.meta.url);
const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/app.js': ['app.js', 'text/javascript; charset=utf-8'],
  '/style.css': ['style.css', 'text/css; charset=utf-8'],
  '/icon.svg': ['icon.svg', 'image/svg+xml'],
};

/** Nothing from elsewhere, nothing inline, in nobody's frame. */
const SAFE_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
} as const;

/** From one status to the next, ms. */
const STATUS_EVERY_MS = 1000;
/** Pages that may follow at the same time, and octets that one of them may be behind before it is let go. */
const FOLLOWERS_LIMIT = 32;
const BEHIND_LIMIT_BYTES = 1024 * 1024;
/** Events that a page is told when it comes. */
const RECENT_EVENTS = 50;

/** Metrics, health and the live page over HTTP. */
export class HttpObserver implements AsyncDisposable {
  readonly #gateway: Gateway;
  readonly #options: HttpOptions;
  readonly #server: Server;
  readonly #followers = new Set<ServerResponse>();
  readonly #recent: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #address: HostPort;

  private constructor(gateway: Gateway, options: HttpOptions) {
    this.#gateway = gateway;
    this.#options = options;
    this.#address = options.local;
    this.#server = createServer({ headersTimeout: 10_000, requestTimeout: 10_000 }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        const { message } = describeError(error);
        plain(response, 500, message);
      });
    });
    if (options.dashboard !== true) return;
    gateway.events$.subscribe((event) => {
      const level = levelOf(event);
      if (level === 'trace' || level === 'debug') return;
      const text = (describeGatewayEvent(event, PLAIN) ?? event.type).trim();
      const line = JSON.stringify({ at: new Date().toISOString(), level, type: event.type, text });
      this.#recent.push(line);
      if (this.#recent.length > RECENT_EVENTS) this.#recent.shift();
      this.#tell('happened', line);
    });
  }

  /** Begins to serve. Rejects with `ERR_GATEWAY_LOCAL`; with `ERR_GATEWAY_USAGE` for a page without a token beyond loopback. */
  static async listen(gateway: Gateway, options: HttpOptions): Promise<HttpObserver> {
    const { local, token, dashboard } = options;
    if (dashboard === true && !isLoopback(local.host) && (token === undefined || token === '')) {
      throw new CellmuxError('ERR_GATEWAY_USAGE', `the dashboard on ${local.host} needs a token`);
    }
    const observer = new HttpObserver(gateway, options);
    observer.#address = await listen(observer.#server, local, dashboard === true ? 'the dashboard' : 'metrics');
    return observer;
  }

  get address(): HostPort {
    return this.#address;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const follower of this.#followers) follower.end();
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    this.#server.closeAllConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { token, metrics, dashboard, local } = this.#options;
    for (const [name, value] of Object.entries(SAFE_HEADERS)) response.setHeader(name, value);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      plain(response, 405, 'Only GET and HEAD are known here.');
      return;
    }
    // A page of another origin may have its name lead to 127.0.0.1 (DNS rebinding): it is not answered.
    if (isLoopback(local.host) && !isLoopback(hostOf(request.headers.host))) {
      plain(response, 421, 'This is served under 127.0.0.1 or localhost only.');
      return;
    }
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    if (path === '/health') {
      this.#health(response);
      return;
    }
    if (token !== undefined && !hasToken(request.headers.authorization, token)) {
      response.setHeader('WWW-Authenticate', 'Basic realm="cellmux", charset="UTF-8"');
      plain(response, 401, 'The token is wanted as the password (ERR_GATEWAY_TOKEN).');
      return;
    }
    if (path === '/metrics' && metrics !== undefined) {
      response.setHeader('Content-Type', metrics.registry.contentType);
      response.end(await metrics.text());
      return;
    }
    const file = dashboard === true ? FILES[path] : undefined;
    if (file !== undefined) {
      response.setHeader('Content-Type', file[1]);
      response.end(await readFile(new URL(file[0], FOLDER)));
    } else if (dashboard === true && path === '/status') {
      json(response, 200, this.#gateway.status);
    } else if (dashboard === true && path === '/events') {
      this.#follow(response);
    } else plain(response, 404, 'There is no such page.');
  }

  /** 200 while all works, 503 while something does not: what a load balancer or a supervisor asks. */
  #health(response: ServerResponse): void {
    const { state, ports, outages } = this.#gateway.status;
    json(response, state === 'up' ? 200 : 503, {
      state,
      services: Object.fromEntries(ports.map(({ service, works }) => [service, works])),
      causes: outages.map(({ cause }) => cause),
    });
  }

  #follow(response: ServerResponse): void {
    if (this.#followers.size >= FOLLOWERS_LIMIT) {
      plain(response, 503, 'Too many pages follow already.');
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
    this.#followers.add(response);
    response.once('close', () => {
      this.#followers.delete(response);
      if (this.#followers.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    });
    response.write('retry: 2000\n\n');
    for (const line of this.#recent) response.write(`event: happened\ndata: ${line}\n\n`);
    response.write(`event: status\ndata: ${JSON.stringify(this.#gateway.status)}\n\n`);
    this.#timer ??= setInterval(() => {
      this.#tell('status', JSON.stringify(this.#gateway.status));
    }, STATUS_EVERY_MS);
  }

  #tell(event: string, data: string): void {
    for (const follower of this.#followers) {
      // Who does not read is let go, and comes back by itself.
      if (follower.writableLength > BEHIND_LIMIT_BYTES) follower.destroy();
      else follower.write(`event: ${event}\ndata: ${data}\n\n`);
    }
  }
}

const PLAIN = pc.createColors(false);

function hostOf(header: string | undefined): string {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:]+))(?::\d+)?$/.exec(header ?? '');
  return match?.[1] ?? match?.[2] ?? '';
}

function plain(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`);
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' });
  response.end(`${JSON.stringify(value)}\n`);
}
