import { decimal, splitFields } from './split-fields.ts';

/** The values of `#SCFG` for one connId, in the module's own units (guide §3.2.1.2). */
export interface SocketConfig {
  readonly connId: number;
  /** 0..5 */
  readonly cid: number;
  /** octets, 0..1500 */
  readonly pktSz: number;
  /** seconds, 0..65535 */
  readonly maxTo: number;
  /** 100 ms, 10..1200 */
  readonly connTo: number;
  /** 100 ms, 0..255 */
  readonly txTo: number;
}

/** The values of `#SCFGEXT` for one connId (guide §4.2.2). */
export interface ExtendedSocketConfig {
  readonly connId: number;
  /** 0 normal, 1 data amount, 2 data view */
  readonly srMode: number;
  /** 0 text, 1 hex */
  readonly recvDataMode: number;
  /** minutes, 0..240 */
  readonly keepalive: number;
  /** 0, 1; unused on the HE863 */
  readonly listenAutoRsp: number;
  /** 0 text, 1 hex */
  readonly sendDataMode: number;
}

/** A line of `AT#SCFG?`; undefined for any other. */
export function parseSocketConfig(line: string): SocketConfig | undefined {
  const numbers = splitFields(line, '#SCFG')?.map(decimal);
  if (numbers === undefined) return undefined;
  const [connId, cid, pktSz, maxTo, connTo, txTo] = numbers;
  if (connId === undefined || cid === undefined || pktSz === undefined) return undefined;
  if (maxTo === undefined || connTo === undefined || txTo === undefined) return undefined;
  return { connId, cid, pktSz, maxTo, connTo, txTo };
}

/** A line of `AT#SCFGEXT?`; undefined for any other. Firmware without the last values leaves them out. */
export function parseExtendedSocketConfig(line: string): ExtendedSocketConfig | undefined {
  const numbers = splitFields(line, '#SCFGEXT')?.map(decimal);
  if (numbers === undefined) return undefined;
  const [connId, srMode, recvDataMode, keepalive, listenAutoRsp = 0, sendDataMode = 0] = numbers;
  if (connId === undefined || srMode === undefined || recvDataMode === undefined || keepalive === undefined)
    return undefined;
  return { connId, srMode, recvDataMode, keepalive, listenAutoRsp, sendDataMode };
}

/** `AT#SCFG=…` */
export function socketConfigLine(config: SocketConfig): string {
  return `AT#SCFG=${config.connId},${config.cid},${config.pktSz},${config.maxTo},${config.connTo},${config.txTo}`;
}

/**
 * `AT#SCFGEXT=…`, without the last values where they are 0 and `now` says that they are 0 in the module too: older
 * firmware does not take them, and what is left out may stay as it was.
 */
export function extendedSocketConfigLine(config: ExtendedSocketConfig, now: ExtendedSocketConfig = config): string {
  const { connId, srMode, recvDataMode, keepalive, listenAutoRsp, sendDataMode } = config;
  const line = `AT#SCFGEXT=${connId},${srMode},${recvDataMode},${keepalive}`;
  if (sendDataMode !== 0 || now.sendDataMode !== 0) return `${line},${listenAutoRsp},${sendDataMode}`;
  return listenAutoRsp === 0 && now.listenAutoRsp === 0 ? line : `${line},${listenAutoRsp}`;
}

/** The greatest number within the last range of a test answer: `#SSENDEXT: (1-6),(1-1500)` gives 1500. */
export function lastMaximum(line: string): number | undefined {
  return decimal(/(\d+)\s*\)\s*$/.exec(line)?.[1]);
}
