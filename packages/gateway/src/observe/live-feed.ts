import type { ServerResponse } from 'node:http';
import pc from 'picocolors';
import { describeGatewayEvent } from '../cli/describe-gateway-event.ts';
import type { GatewayEvent } from '../gateway/gateway-events.ts';
import { levelOf } from './event-level.ts';
import type { ObservedGateway } from './observed-gateway.ts';

/** From one status to the next, ms. */
const STATUS_EVERY_MS = 1000;
/** Pages that may follow at the same time, and octets that one of them may be behind before it is let go. */
const FOLLOWERS_LIMIT = 32;
const BEHIND_LIMIT_BYTES = 1024 * 1024;
/** Events, and values of the signal, that a page is told when it comes: with a look each 10 s an hour of them. */
const RECENT_EVENTS = 50;
const RECENT_SIGNALS = 360;
/** When a page whose connection broke asks again, ms. */
const RETRY_MS = 2000;

const PLAIN = pc.createColors(false);

/**
 * What pages follow by server-sent events: `status` each second, `happened` for what the log tells as well, `signal` for
 * each look at the signal. A page that comes, or comes back, is told the latest of each first.
 */
export class LiveFeed {
  readonly #gateway: ObservedGateway;
  readonly #followers = new Set<ServerResponse>();
  readonly #events: string[] = [];
  readonly #signals: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(gateway: ObservedGateway) {
    this.#gateway = gateway;
    gateway.events$.subscribe((event) => {
      if (event.type === 'signal') this.#tell('signal', RECENT_SIGNALS, this.#signals, { dbm: event.dbm });
      else this.#happened(event);
    });
  }

  /** Lets a page follow, from now on; false where too many do. */
  follow(response: ServerResponse): boolean {
    if (this.#followers.size >= FOLLOWERS_LIMIT) return false;
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
    this.#followers.add(response);
    response.once('close', () => {
      this.#followers.delete(response);
      if (this.#followers.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    });
    response.write(`retry: ${RETRY_MS}\n\n`);
    for (const line of this.#events) response.write(message('happened', line));
    for (const line of this.#signals) response.write(message('signal', line));
    response.write(message('status', JSON.stringify(this.#gateway.status)));
    this.#timer ??= setInterval(() => {
      this.#send('status', JSON.stringify(this.#gateway.status));
    }, STATUS_EVERY_MS);
    return true;
  }

  /** Ends all of them. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const follower of this.#followers) follower.end();
  }

  #happened(event: GatewayEvent): void {
    const level = levelOf(event);
    if (level === 'trace' || level === 'debug') return;
    const text = (describeGatewayEvent(event, PLAIN) ?? event.type).trim();
    this.#tell('happened', RECENT_EVENTS, this.#events, { level, type: event.type, text });
  }

  #tell(name: string, limit: number, recent: string[], what: object): void {
    const line = JSON.stringify({ at: new Date().toISOString(), ...what });
    recent.push(line);
    if (recent.length > limit) recent.shift();
    this.#send(name, line);
  }

  #send(name: string, data: string): void {
    for (const follower of this.#followers) {
      // Who does not read is let go, and comes back by itself.
      if (follower.writableLength > BEHIND_LIMIT_BYTES) follower.destroy();
      else follower.write(message(name, data));
    }
  }
}

function message(name: string, data: string): string {
  return `event: ${name}\ndata: ${data}\n\n`;
}
