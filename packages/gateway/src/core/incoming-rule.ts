import { parseHostPort, type HostPort } from './host-port.ts';

/** A port of the module that is listened on, and the local server that its connections go on to. */
export interface IncomingRule {
  /** 1 to 65535. */
  readonly port: number;
  readonly to: HostPort;
}

/** Reads `PORT:HOST:PORT`; undefined for anything else. */
export function parseIncomingRule(text: string): IncomingRule | undefined {
  const match = /^(\d{1,5}):(.+)$/.exec(text);
  const port = Number(match?.[1]);
  const to = parseHostPort(match?.[2] ?? '');
  return to === undefined || !(port >= 1 && port <= 65_535) ? undefined : { port, to };
}
