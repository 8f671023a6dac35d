import { HOST_NAME_LIMIT } from './limits.ts';

/**
 * Why a host cannot stand in a command line, in words; undefined when it can. Only letters, digits, `.`, `-` and `_`
 * pass: a quote, a comma, a semicolon or a control character would end the string and start a parameter or a command
 * of the caller's making. An address with colons (IPv6) is nothing that this family can dial.
 */
export function hostProblem(host: string): string | undefined {
  if (host.length === 0) return 'is empty';
  if (host.length > HOST_NAME_LIMIT) return `has ${host.length} characters, ${HOST_NAME_LIMIT} are allowed`;
  if (/^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/.test(host)) return 'is an IPv6 address, and the module speaks IPv4 only';
  if (!/^[A-Za-z0-9._-]+$/.test(host)) return 'holds characters that no host name has';
  return undefined;
}

/** Why a text cannot stand between quotes in a command line; undefined when it can. */
export function stringProblem(text: string): string | undefined {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x22) return 'holds a quote';
    if (code < 0x20 || code === 0x7f) return 'holds a control character';
    if (code > 0x7e) return 'holds characters outside ASCII';
  }
  return undefined;
}

/** True for four decimal numbers of 0 to 255 with dots between them. */
export function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}

/** What `#SD` is given. */
export interface DialParameters {
  readonly connId: number;
  readonly transport: 'tcp' | 'udp';
  readonly host: string;
  /** 1..65535. */
  readonly port: number;
  /** 0: the module closes as soon as the peer has; 255: it keeps its side open. */
  readonly closureType: 0 | 255;
  /** UDP only; 0 is any. */
  readonly localPort: number;
  readonly mode: 'command' | 'online';
}

/**
 * `AT#SD=connId,txProt,rPort,"IPaddr"[,closureType,lPort,connMode]` (guide §3.2.1.4, §4.2.1), as short as it can be:
 * trailing parameters that equal their defaults are left out.
 */
export function dialLine(dial: DialParameters): string {
  const base = `AT#SD=${dial.connId},${dial.transport === 'udp' ? 1 : 0},${dial.port},"${dial.host}"`;
  if (dial.mode === 'command') return `${base},${dial.closureType},${dial.localPort},1`;
  if (dial.localPort !== 0) return `${base},${dial.closureType},${dial.localPort}`;
  return dial.closureType === 0 ? base : `${base},${dial.closureType}`;
}
