import type { ServerReply } from '../sockets/machine/reply-reader.ts';

/** The port that a 227 reply to PASV or a 229 reply to EPSV (RFC 2428) names; undefined when it names none. */
export function passivePort({ code, lines }: ServerReply): number | undefined {
  const text = lines.at(-1) ?? '';
  if (code === 229) {
    const extended = /\((.)\1\1(\d{1,5})\1\)/.exec(text);
    return portOf(Number(extended?.[2]));
  }
  const plain = /(?:\d{1,3},){4}(\d{1,3}),(\d{1,3})/.exec(text);
  const [high, low] = [Number(plain?.[1]), Number(plain?.[2])];
  return high <= 255 && low <= 255 ? portOf(high * 256 + low) : undefined;
}

function portOf(port: number): number | undefined {
  return Number.isInteger(port) && port > 0 && port <= 65_535 ? port : undefined;
}

/** The argument of PORT or EPRT for an address and a port. */
export function activeCommand(address: string, port: number): string {
  if (address.includes(':')) return `EPRT |2|${address}|${port}|`;
  return `PORT ${address.replaceAll('.', ',')},${port >> 8},${port & 0xff}`;
}
