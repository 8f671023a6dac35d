import type { ModuleServices, PortSession } from '../module/module-services.ts';
import { socketTableOf, type SocketTable, type StackUser } from '../sockets/socket-table.ts';
import { connectTransport } from '../sockets/tcp-transport.ts';
import { FTP_ERRORS, FtpFailure } from './ftp-failure.ts';
import { FtpSession } from './ftp-session.ts';
import type { PacketDownload } from './packet-download.ts';

/** The port of a server that names none. */
const FTP_PORT = 21;

/** What #FTPOPEN asks for. */
export interface FtpOpenRequest {
  /** `host` or `host:port`. */
  readonly server: string;
  readonly user: string;
  readonly password: string;
  readonly passive: boolean;
  readonly signal: AbortSignal;
}

/** The one FTP client of a module (guide §3.3): a session at a time, and only for the port that opened it (§3.2.2.6). */
export class FtpService implements StackUser {
  /** #FTPTO in 100 ms, 100 to 5000; forgotten at power-off. */
  timeout = 100;
  download: PacketDownload | undefined;
  readonly #table: SocketTable;
  #session: FtpSession | undefined;
  #owner: PortSession | undefined;
  #cid = 0;
  #opening: AbortController | undefined;

  constructor(module: ModuleServices) {
    this.#table = socketTableOf(module);
    this.#table.attach(this);
  }

  /**
   * Connects and logs in.
   *
   * @throws FtpFailure 602, 603, 605, 606, 608, 612.
   */
  async open(port: PortSession, { server, user, password, passive, signal }: FtpOpenRequest): Promise<void> {
    this.#forgetEnded();
    if (this.#owner !== undefined)
      throw new FtpFailure(this.#owner === port ? FTP_ERRORS.alreadyConnected : FTP_ERRORS.otherInstance);
    // The session is bound to the context of connId 1 (guide §3.2.1.2, §3.2.2.5).
    const { cid } = this.#table.settings.configuration(1);
    if (!this.#table.contexts.isActive(cid)) throw new FtpFailure(FTP_ERRORS.cannotActivate);
    const opening = new AbortController();
    this.#owner = port;
    this.#cid = cid;
    this.#opening = opening;
    try {
      const either = AbortSignal.any([signal, opening.signal]);
      const session = await this.#connect(server, passive, either);
      this.#session = session;
      await session.login(user, password);
      if (either.aborted) throw new FtpFailure(FTP_ERRORS.contextDown);
      this.#table.report(0, 'FTP session open');
    } catch (error) {
      this.#drop();
      throw error instanceof FtpFailure ? error : new FtpFailure(FTP_ERRORS.badResponse, error);
    } finally {
      this.#opening = undefined;
    }
  }

  /**
   * The session, for a command on a port.
   *
   * @throws FtpFailure 607 when there is none, 612 when it is another port's, 601 while #FTPGETPKT is under way.
   */
  async session(port: PortSession): Promise<FtpSession> {
    this.#forgetEnded();
    const session = this.#session;
    if (this.#owner !== undefined && this.#owner !== port) throw new FtpFailure(FTP_ERRORS.otherInstance);
    if (session === undefined) throw new FtpFailure(FTP_ERRORS.notConnected);
    const { download } = this;
    if (download === undefined) return session;
    if (!download.isComplete) throw new FtpFailure(FTP_ERRORS.wrongState);
    await download.over;
    return session;
  }

  /**
   * #FTPCLOSE.
   *
   * @throws FtpFailure 607, 612.
   */
  async close(port: PortSession): Promise<void> {
    this.#forgetEnded();
    const session = this.#session;
    if (this.#owner !== undefined && this.#owner !== port) throw new FtpFailure(FTP_ERRORS.otherInstance);
    if (session === undefined) throw new FtpFailure(FTP_ERRORS.notConnected);
    const { download } = this;
    if (download !== undefined && !download.isComplete) {
      download.abort();
      await download.over;
    }
    await session.quit();
    this.#drop();
    this.#table.report(0, 'FTP session closed');
  }

  /** The last words of the server, for #FTPMSG. */
  get lastLines(): readonly string[] {
    return this.#session?.lastLines ?? this.#lastLines;
  }
  #lastLines: readonly string[] = [];

  contextLost(cid: number, silent: boolean): void {
    if (cid === this.#cid) this.#drop();
    if (!silent) return;
    this.timeout = 100;
    this.#lastLines = [];
  }

  sessionClosed(session: PortSession): void {
    if (session === this.#owner) this.#drop();
  }

  async #connect(server: string, passive: boolean, signal: AbortSignal): Promise<FtpSession> {
    const { clock, module } = this.#table;
    const [, host = '', port] = /^(.*?)(?::(\d{1,5}))?$/.exec(server) ?? [];
    const timeoutMs = (): number => this.timeout * 100;
    const wanted = port === undefined ? FTP_PORT : Number(port);
    const slow = new AbortController();
    const cancel = clock.after(timeoutMs(), () => {
      slow.abort();
    });
    const either = AbortSignal.any([signal, slow.signal]);
    const target = await module.resolver.target(host, wanted, 'tcp', either).catch(() => undefined);
    cancel();
    if (target === undefined) throw new FtpFailure(FTP_ERRORS.cannotResolve);
    const { address } = target;
    const transport = await connectTransport({
      address,
      port: target.port,
      timeoutMs: timeoutMs(),
      clock,
      signal,
    }).catch((error: unknown) => {
      throw new FtpFailure(FTP_ERRORS.cannotConnect, error);
    });
    this.#table.track(transport);
    return new FtpSession(transport, {
      clock,
      passive,
      timeoutMs,
      track: (data) => {
        this.#table.track(data);
      },
    });
  }

  #forgetEnded(): void {
    if (this.#session?.isOver === true && this.#opening === undefined) this.#drop();
  }

  #drop(): void {
    this.#opening?.abort();
    this.download?.abort();
    this.download = undefined;
    this.#lastLines = this.#session?.lastLines ?? this.#lastLines;
    this.#session?.abort();
    this.#session = undefined;
    this.#owner = undefined;
  }
}

const services = new WeakMap<ModuleServices, FtpService>();

/** The FTP client of the module. */
export function ftpServiceOf(module: ModuleServices): FtpService {
  const service = services.get(module) ?? new FtpService(module);
  services.set(module, service);
  return service;
}
