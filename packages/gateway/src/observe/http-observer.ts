import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import { CellmuxError } from '@cellmux/port';
import type { HostPort } from '../core/host-port.ts';
import { isLoopback } from '../core/is-loopback.ts';
import { describeError } from '../errors/describe-error.ts';
import { hasToken } from '../gateway/has-token.ts';
import { listen } from '../gateway/listen.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';
import { LiveFeed } from './live-feed.ts';
import type { ObservedGateway } from './observed-gateway.ts';

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
  '/plot.js': ['plot.js', 'text/javascript; charset=utf-8'],
  '/render.js': ['render.js', 'text/javascript; charset=utf-8'],
  '/words.js': ['words.js', 'text/javascript; charset=utf-8'],
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

/** Metrics, health and the live page over HTTP. */
export class HttpObserver implements AsyncDisposable {
  readonly #gateway: ObservedGateway;
  readonly #options: HttpOptions;
  readonly #server: Server;
  readonly #feed: LiveFeed | undefined;
  #address: HostPort;

  private constructor(gateway: ObservedGateway, options: HttpOptions) {
    this.#gateway = gateway;
    this.#options = options;
    this.#address = options.local;
    this.#server = createServer({ headersTimeout: 10_000, requestTimeout: 10_000 }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        const { message } = describeError(error);
        plain(response, 500, message);
      });
    });
    if (options.dashboard === true) this.#feed = new LiveFeed(gateway);
  }

  /** Begins to serve. Rejects with `ERR_GATEWAY_LOCAL`; with `ERR_GATEWAY_USAGE` for a page without a token beyond loopback. */
  static async listen(gateway: ObservedGateway, options: HttpOptions): Promise<HttpObserver> {
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
    this.#feed?.close();
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
    } else if (this.#feed !== undefined && path === '/events') {
      if (!this.#feed.follow(response)) plain(response, 503, 'Too many pages follow already.');
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
}

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
