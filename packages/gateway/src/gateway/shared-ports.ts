import { CellmuxError } from '@cellmux/port';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SERVICES, type Service } from '../core/recovery/cause.ts';
import { DLCI_OF, type Link } from './link.ts';
import { SharedPty } from './shared-pty.ts';
import type { Listener } from './start-listeners.ts';

/** The three virtual ports given out as ptys, which stay while the ports behind them come and go. */
export class SharedPorts {
  readonly #link: Link;
  readonly #ptys = new Map<Service, SharedPty>();

  constructor(link: Link) {
    this.#link = link;
  }

  has(service: Service): boolean {
    return this.#ptys.has(service);
  }

  /** Makes the ptys in a folder, its owner's alone, and puts them on the ports, which are open. */
  async share(folder: string, onListening: (listener: Listener) => void): Promise<void> {
    // Loaded when it is needed: it brings a native library.
    const { openPty } = await import('@cellmux/port/pty');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const service of SERVICES) {
      const link = join(folder, String(DLCI_OF[service]));
      const pty = new SharedPty(await openPty({ link }));
      this.#ptys.set(service, pty);
      onListening({ what: 'port', where: link, close: () => pty.close() });
      this.attach(service);
    }
  }

  /** Puts the pty of a service on the port that is open now. Throws `ERR_AT_CLOSED` where none is. */
  attach(service: Service): void {
    const port = this.#link.port(DLCI_OF[service]);
    if (port === undefined) throw new CellmuxError('ERR_AT_CLOSED', `port ${DLCI_OF[service]} is not open`);
    this.#ptys.get(service)?.attach(port);
  }

  /** The port of a service goes; what is written to its pty meanwhile waits in the kernel. */
  detach(service: Service): void {
    this.#ptys.get(service)?.detach();
  }
}
