import { formatHostPort, type HostPort } from '../core/host-port.ts';
import type { AtCommander } from './at-service.ts';
import { AtTerminal } from './at-terminal.ts';
import { carryOutFtp, type FtpRunner } from './control-ftp.ts';
import { ControlServer } from './control-server.ts';
import type { Dial } from './dial.ts';
import type { GatewayEvent } from './gateway-events.ts';
import type { GatewayOptions } from './gateway-options.ts';
import type { GatewayStatus } from './gateway-status.ts';
import { HttpProxy } from './http-proxy.ts';
import { TcpForward } from './tcp-forward.ts';

/** What kinds of it there are. */
export type ListenerKind = 'proxy' | 'forward' | 'incoming' | 'control' | 'at' | 'port' | 'metrics' | 'dashboard';

/** Something that the gateway offers to others on this machine. */
export interface Listener {
  readonly what: ListenerKind;
  /** For people: an address or a path. */
  readonly where: string;
  close(): Promise<void>;
}

/** What listeners stand on. */
export interface ListenerParts {
  readonly dial: Dial;
  readonly at: AtCommander;
  readonly ftp: FtpRunner;
  readonly onEvent: (event: GatewayEvent) => void;
  readonly status: () => GatewayStatus;
  /** Begins a capture in a file, or ends it. */
  readonly setCapture: (path: string | null) => Promise<void>;
  /** Serves metrics or the live page. */
  readonly observe: (what: 'metrics' | 'dashboard', local: HostPort, token: string | undefined) => Promise<Listener>;
  /** Called for each as soon as it listens. */
  readonly onListening: (listener: Listener) => void;
}

type Wanted = Pick<
  GatewayOptions,
  | 'proxy'
  | 'proxyToken'
  | 'forwards'
  | 'control'
  | 'atPty'
  | 'metrics'
  | 'metricsToken'
  | 'dashboard'
  | 'dashboardToken'
>;

/** Starts what the options ask for, one after the other. Rejects with the first that cannot listen. */
export async function startListeners(
  wanted: Wanted,
  { dial, at, ftp, onEvent, onListening, status, setCapture, observe }: ListenerParts,
): Promise<void> {
  const { proxy, proxyToken, forwards = [], control, atPty } = wanted;
  if (proxy !== undefined) {
    const listener = await HttpProxy.listen({ local: proxy, dial, onEvent, token: proxyToken });
    onListening({ what: 'proxy', where: formatHostPort(listener.address), close: () => listener.close() });
  }
  for (const rule of forwards) {
    const listener = await TcpForward.listen(rule, dial, onEvent);
    const where = `${formatHostPort(listener.address)} to ${formatHostPort(rule.remote)}`;
    onListening({ what: 'forward', where, close: () => listener.close() });
  }
  if (control !== undefined) {
    const listener = await ControlServer.listen(control, async (request, signal, exchange) => {
      switch (request.method) {
        case 'at': {
          const { lines, result } = await at.command(request.line, { signal, timeoutMs: request.timeoutMs });
          return { lines, result };
        }
        case 'status':
          return status();
        case 'ftp':
          return carryOutFtp(ftp, request, signal, exchange);
        case 'capture':
          await setCapture(request.path);
          return status();
      }
    });
    onListening({ what: 'control', where: control, close: () => listener.close() });
  }
  if (atPty !== undefined) onListening(await startTerminal(at, atPty));
  if (wanted.metrics !== undefined) onListening(await observe('metrics', wanted.metrics, wanted.metricsToken));
  if (wanted.dashboard !== undefined) onListening(await observe('dashboard', wanted.dashboard, wanted.dashboardToken));
}

async function startTerminal(at: AtCommander, link: string): Promise<Listener> {
  // Loaded when it is needed: it brings a native library.
  const { openPty } = await import('@cellmux/port/pty');
  const pty = await openPty({ link });
  const terminal = new AtTerminal(pty, at);
  return {
    what: 'at',
    where: link,
    close: () => {
      terminal[Symbol.dispose]();
      return pty.close();
    },
  };
}
