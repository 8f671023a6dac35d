import type { AtClient } from '@cellmux/at';
import {
  parseExtendedSocketConfig,
  parseSocketConfig,
  type ExtendedSocketConfig,
  type SocketConfig,
} from './core/socket-config.ts';
import { parseSocketInfo, parseSocketStatus, type SocketInfo, type SocketStatus } from './core/socket-status.ts';

/** What `settings()` gives. */
export interface SocketSettingsTable {
  readonly sockets: readonly SocketConfig[];
  readonly extended: readonly ExtendedSocketConfig[];
}

/** `AT#SS` */
export async function askStatus(at: AtClient, timeoutMs: number): Promise<readonly SocketStatus[]> {
  const { lines } = await at.command('AT#SS', { timeoutMs });
  return lines.map(parseSocketStatus).filter((status) => status !== undefined);
}

/** `AT#SI` */
export async function askInfo(at: AtClient, timeoutMs: number): Promise<readonly SocketInfo[]> {
  const { lines } = await at.command('AT#SI', { timeoutMs });
  return lines.map(parseSocketInfo).filter((info) => info !== undefined);
}

/** `AT#SCFG?` and `AT#SCFGEXT?` */
export async function askSettings(at: AtClient, timeoutMs: number): Promise<SocketSettingsTable> {
  const { lines } = await at.command('AT#SCFG?', { timeoutMs });
  const extended = await at.command('AT#SCFGEXT?', { timeoutMs });
  return {
    sockets: lines.map(parseSocketConfig).filter((config) => config !== undefined),
    extended: extended.lines.map(parseExtendedSocketConfig).filter((config) => config !== undefined),
  };
}
