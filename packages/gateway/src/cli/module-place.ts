import { systemClock, type Cancel, type Port } from '@cellmux/port';
import { openPty } from '@cellmux/port/pty';
import { listenTcp } from '@cellmux/port/tcp';
import { formatHostPort, type HostPort } from '../core/host-port.ts';

/** Where the line of a virtual module is to be: one of the two. */
export type ModulePlaceOptions = { readonly tcp: HostPort } | { readonly pty: string };

/** Where the lines of a virtual module come from. */
export interface ModulePlace extends AsyncDisposable {
  /** Names of the place, for scripts. */
  readonly where: Readonly<Record<string, string>>;
  /** The same for people. */
  readonly text: string;
  /** From now on lines come from there. */
  start(serve: (line: Port) => void): void;
  /** The module has lost its lines: there is a new one after that time. */
  linesLost(forMs: number): void;
  /** Rejects when there will be no more lines. */
  readonly failed: Promise<never>;
}

/**
 * Opens it.
 *
 * @throws CellmuxError what `openPty` and `listenTcp` throw
 */
export function openModulePlace(options: ModulePlaceOptions): Promise<ModulePlace> {
  return 'tcp' in options ? listen(options.tcp) : openLinkedPty(options.pty);
}

async function listen(address: HostPort): Promise<ModulePlace> {
  const listener = await listenTcp(address);
  const lines = new Set<Port>();
  const where = formatHostPort(listener.address);
  return {
    where: { tcp: where },
    text: `tcp:${where}`,
    start: (serve) => {
      listener.ports$.subscribe((port) => {
        lines.add(port);
        port.circuits$.subscribe({ complete: () => lines.delete(port) });
        serve(port);
      });
    },
    // The host connects anew.
    linesLost: () => undefined,
    failed: new Promise<never>(() => undefined),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...lines].map((port) => port.close()));
      await listener.close();
    },
  };
}

async function openLinkedPty(link: string): Promise<ModulePlace> {
  let pty = await openPty({ link });
  let reopening: Cancel | undefined;
  let isOver = false;
  let serve: (line: Port) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => undefined);
  const reopen = async (): Promise<void> => {
    reopening = undefined;
    await pty.close();
    if (isOver) return;
    pty = await openPty({ link });
    if (isOver) await pty.close();
    else serve(pty);
  };
  return {
    where: { pty: pty.path, link },
    text: `${link} (${pty.path})`,
    start: (take) => {
      serve = take;
      serve(pty);
    },
    linesLost: (forMs) => {
      reopening?.();
      reopening = systemClock.after(forMs, () => {
        reopen().catch(fail);
      });
    },
    failed,
    [Symbol.asyncDispose]: async () => {
      isOver = true;
      reopening?.();
      await pty.close();
    },
  };
}
