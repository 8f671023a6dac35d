import type { AtClient } from '@cellmux/at';
import { CONNECTIONS, SEND_DEFAULT_BYTES, SEND_LIMIT_BYTES } from './core/limits.ts';
import {
  extendedSocketConfigLine,
  lastMaximum,
  parseExtendedSocketConfig,
  parseSocketConfig,
  socketConfigLine,
  type ExtendedSocketConfig,
  type SocketConfig,
} from './core/socket-config.ts';
import { parseSocketStatus } from './core/socket-status.ts';
import { isRefusal } from './ip-easy-error.ts';
import type { SocketSettings } from './ip-easy-options.ts';
import type { TransferSettings } from './command-transfer.ts';

const CLOSE_TIMEOUT_MS = 30_000;
/** SRING tells how much is waiting. */
const SRING_AMOUNT = 1;

/**
 * Brings the module's sockets into a known state and keeps account of their settings. They live in NVM, whose cells wear
 * out: a setting is written only when the module has another one.
 */
export class SocketSetup {
  readonly #settings: SocketSettings;
  readonly #timeoutMs: number;
  #configs = new Map<number, SocketConfig>();
  #extended = new Map<number, ExtendedSocketConfig>();
  #sendCommand: TransferSettings['sendCommand'] = '#SSENDEXT';
  #sendLimitBytes = SEND_DEFAULT_BYTES;
  #udpInfo = false;

  constructor(settings: SocketSettings, timeoutMs: number) {
    this.#settings = settings;
    this.#timeoutMs = timeoutMs;
  }

  /** How this firmware spells the send command. */
  get sendCommand(): TransferSettings['sendCommand'] {
    return this.#sendCommand;
  }

  /** The most octets that one send command takes. */
  get sendLimitBytes(): number {
    return this.#sendLimitBytes;
  }

  /** Whether #SRECV takes its third parameter, which reads one datagram at a time. */
  get udpInfo(): boolean {
    return this.#udpInfo;
  }

  /** The module said it could, and could not. */
  forgetUdpInfo(): void {
    this.#udpInfo = false;
  }

  /** Context that a connId is bound to; undefined before {@link read}. */
  cidOf(connId: number): number | undefined {
    return this.#configs.get(connId)?.cid;
  }

  /** Closes what an earlier run left open; sockets of a module outlive the program. */
  async closeLeftovers(at: AtClient): Promise<number> {
    const timeoutMs = this.#timeoutMs;
    const open = new Set<number>();
    try {
      const { lines } = await at.command('AT#SS', { timeoutMs });
      for (const line of lines) {
        const status = parseSocketStatus(line);
        if (status !== undefined && status.state !== 'closed') open.add(status.connId);
      }
    } catch (error) {
      if (!isRefusal(error)) throw error;
      for (let connId = 1; connId <= CONNECTIONS; connId++) open.add(connId);
    }
    for (const connId of open) {
      try {
        await at.command(`AT#SH=${connId}`, { timeoutMs: CLOSE_TIMEOUT_MS });
      } catch (error) {
        // Online on a port that is not ours: whoever dials this connId is told so.
        if (!isRefusal(error)) throw error;
      }
    }
    return open.size;
  }

  /** Reads and, where they differ, writes the settings of all connIds that are free. */
  async configure(at: AtClient, isFree: (connId: number) => boolean): Promise<void> {
    this.#configs = await readAll(at, 'AT#SCFG?', parseSocketConfig, this.#timeoutMs);
    this.#extended = await readAll(at, 'AT#SCFGEXT?', parseExtendedSocketConfig, this.#timeoutMs);
    await this.#probeSend(at);
    await this.#probeReceive(at);
    for (let connId = 1; connId <= CONNECTIONS; connId++) {
      if (!isFree(connId)) continue;
      await this.bind(at, connId, this.#settings.cid);
      await this.extend(at, connId);
    }
  }

  /** Binds a closed connId to a context. */
  async bind(at: AtClient, connId: number, cid: number, connectTimeoutMs?: number): Promise<void> {
    const settings = this.#settings;
    const wanted: SocketConfig = {
      connId,
      cid,
      pktSz: settings.packetBytes,
      maxTo: settings.inactivityS,
      connTo: Math.round((connectTimeoutMs ?? settings.connectTimeoutMs) / 100),
      txTo: Math.round(settings.sendDelayMs / 100),
    };
    const now = this.#configs.get(connId);
    if (now !== undefined && socketConfigLine(now) === socketConfigLine(wanted)) return;
    await at.command(socketConfigLine(wanted), { timeoutMs: this.#timeoutMs });
    this.#configs.set(connId, wanted);
  }

  /** Sets how a closed connId announces and shows data, and whether its listener accepts by itself. */
  async extend(at: AtClient, connId: number, { acceptsByItself = false } = {}): Promise<void> {
    const hex = this.#settings.dataMode === 'hex' ? 1 : 0;
    const wanted: ExtendedSocketConfig = {
      connId,
      srMode: SRING_AMOUNT,
      recvDataMode: hex,
      keepalive: this.#settings.keepAliveMinutes,
      listenAutoRsp: acceptsByItself ? 1 : 0,
      sendDataMode: hex,
    };
    const now = this.#extended.get(connId);
    if (now !== undefined && extendedSocketConfigLine(now) === extendedSocketConfigLine(wanted)) return;
    await at.command(extendedSocketConfigLine(wanted, now), { timeoutMs: this.#timeoutMs });
    this.#extended.set(connId, wanted);
  }

  /** Which spelling the firmware knows, and how much it takes at once: a test command changes nothing. */
  async #probeSend(at: AtClient): Promise<void> {
    const names =
      this.#settings.dataMode === 'hex' ? ['#SSEND', '#SEND'] : ['#SSENDEXT', '#SENDEXT', '#SSEND', '#SEND'];
    for (const name of names as TransferSettings['sendCommand'][]) {
      try {
        const { lines } = await at.command(`AT${name}=?`, { timeoutMs: this.#timeoutMs });
        this.#sendCommand = name;
        const stated = name.endsWith('EXT')
          ? lastMaximum(lines.find((line) => line.startsWith(name)) ?? '')
          : undefined;
        this.#sendLimitBytes = Math.min(SEND_LIMIT_BYTES, stated ?? SEND_DEFAULT_BYTES);
        // Whether the limit of hex text counts octets or characters is not documented: half of it is safe.
        if (!name.endsWith('EXT')) this.#sendLimitBytes = SEND_DEFAULT_BYTES / 2;
        return;
      } catch (error) {
        if (!isRefusal(error)) throw error;
      }
    }
  }

  async #probeReceive(at: AtClient): Promise<void> {
    try {
      const { lines } = await at.command('AT#SRECV=?', { timeoutMs: this.#timeoutMs });
      this.#udpInfo = lines.some((line) => /^#SRECV:.*\).*\).*\)/.test(line));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#udpInfo = false;
    }
  }
}

async function readAll<T extends { readonly connId: number }>(
  at: AtClient,
  command: string,
  parse: (line: string) => T | undefined,
  timeoutMs: number,
): Promise<Map<number, T>> {
  const all = new Map<number, T>();
  try {
    const { lines } = await at.command(command, { timeoutMs });
    for (const line of lines) {
      const item = parse(line);
      if (item !== undefined) all.set(item.connId, item);
    }
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  return all;
}
