import { type DecodedMessage, type DecodedPiece } from '@cellmux/cmux';
import { toHex } from '@cellmux/port';
import type { Colours } from './console.ts';

/** One line for people: every field by its name. */
export function describePiece(piece: DecodedPiece, colours: Colours): string {
  switch (piece.kind) {
    case 'noise':
      return colours.yellow(`no frame  ${shownOctets(piece.octets)}`);
    case 'damaged':
      return colours.red(`damaged   ${piece.why}: ${toHex(piece.octets, ' ')}`);
    case 'unfinished':
      return colours.yellow(`unfinished frame  ${toHex(piece.octets, ' ')}`);
    case 'frame': {
      const { dlci, cr, type, pf, info, messages } = piece;
      const head = `DLCI ${String(dlci).padEnd(2)} ${type.padEnd(4)} C/R ${cr} P/F ${pf}  FCS ok`;
      if (info.length === 0) return head;
      const body = messages.length > 0 ? messages.map(describeMessage).join('; ') : shownOctets(info);
      return `${head}  length ${info.length}  ${body}`;
    }
  }
}

/** The same for scripts; octets as hex digits. */
export function pieceForScripts(piece: DecodedPiece): Record<string, unknown> {
  switch (piece.kind) {
    case 'frame':
      return {
        ...piece,
        info: toHex(piece.info),
        messages: piece.messages.map(({ typeOctet, value, ...message }) => ({
          ...message,
          typeOctet: toHex(Uint8Array.of(typeOctet)),
          value: toHex(value),
        })),
      };
    case 'damaged':
    case 'noise':
    case 'unfinished':
      return { ...piece, octets: toHex(piece.octets) };
  }
}

function describeMessage({ type, typeOctet, isCommand, fields, value }: DecodedMessage): string {
  const name = `${type ?? `message ${toHex(Uint8Array.of(typeOctet))}`} ${isCommand ? 'command' : 'response'}`;
  const named = Object.entries(fields).flatMap(([field, of]) =>
    of === undefined ? [] : [`${FIELD_NAMES[field] ?? field} ${typeof of === 'boolean' ? Number(of) : of}`],
  );
  if (named.length > 0) return `${name}: ${named.join(', ')}`;
  return value.length === 0 ? name : `${name}: ${toHex(value, ' ')}`;
}

/** Names as the standard writes them, where ours differ. */
const FIELD_NAMES: Readonly<Record<string, string>> = {
  dlci: 'DLCI',
  fc: 'FC',
  rtc: 'RTC',
  rtr: 'RTR',
  ic: 'IC',
  dv: 'DV',
  breakMs: 'break (ms)',
  frameType: 'frame type',
  convergence: 'convergence layer',
  t1Ms: 'T1 (ms)',
  n1: 'N1',
  n2: 'N2',
  baudRate: 'bit/s',
  dataBits: 'data bits',
  stopBits: 'stop bits',
  flowControl: 'flow control',
};

/** Text where it is text, with its control characters visible; hex digits where it is not. */
function shownOctets(octets: Uint8Array): string {
  const isText = octets.every((octet) => (octet >= 0x20 && octet < 0x7f) || octet === 0x0d || octet === 0x0a);
  if (!isText) return toHex(octets, ' ');
  return JSON.stringify(String.fromCharCode(...octets.subarray(0, 4096)));
}
