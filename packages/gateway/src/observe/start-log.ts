import { pino, type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { Console } from '../cli/console.ts';
import { describeGatewayEvent } from '../cli/describe-gateway-event.ts';
import { describeError, errorSentence } from '../errors/describe-error.ts';
import type { GatewayEvent } from '../gateway/gateway-events.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { levelOf } from './event-level.ts';

/** How a log is written. */
export interface LogOptions {
  readonly level: string;
  /** Lines for people, or one JSON object a line; by default the first on a terminal only. */
  readonly format: 'human' | 'json';
}

/** Writes what happens in a gateway to stdout. */
export function startLog(gateway: Gateway, console: Console, { level, format }: LogOptions): Logger {
  const { stdout } = console.streams;
  const stream =
    format === 'json'
      ? stdout
      : pretty({
          colorize: console.colours.isColorSupported,
          destination: stdout,
          ignore: 'pid,hostname,event,details',
          translateTime: 'SYS:HH:MM:ss.l',
          sync: true,
        });
  const log = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (text) => stream.write(text) },
  );
  gateway.events$.subscribe((event) => {
    const weight = levelOf(event);
    if (!log.isLevelEnabled(weight)) return;
    log[weight](
      { event: event.type, details: forScripts(event) },
      describeGatewayEvent(event, console.colours) ?? event.type,
    );
  });
  return log;
}

/** An event as JSON, without its type: errors as their code and sentence. */
function forScripts({ type: _, ...event }: GatewayEvent): Record<string, unknown> {
  if (!('error' in event)) return event;
  const description = describeError(event.error);
  return { ...event, error: { code: description.code, sentence: errorSentence(description) } };
}
