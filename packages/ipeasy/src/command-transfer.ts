import type { AtClient } from '@cellmux/at';
import { CellmuxError, hasCode } from '@cellmux/port';
import { fromHexText, toHexText } from './core/hex-text.ts';
import { parseReceiveHeader, type ReceiveHeader } from './core/receive-header.ts';
import { cmeOf } from './ip-easy-error.ts';

/** How sockets move data in command mode; the same for all sockets of a module. */
export interface TransferSettings {
  /** Octets asked of one #SRECV, 1..1500. */
  readonly receiveBytes: number;
  /** Octets given to one send command. */
  readonly sendBytes: number;
  /** How this firmware spells its send commands: AT guides say `#SSEND`, the user guide `#SEND`. */
  readonly sendCommand: '#SSENDEXT' | '#SENDEXT' | '#SSEND' | '#SEND';
  /** `hex`: data crosses the AT port as two characters an octet, for lines that are not transparent. */
  readonly dataMode: 'text' | 'hex';
  /** For the end of a receive command. */
  readonly receiveTimeoutMs: number;
  /** For the end of a send command, which waits while the peer's window is full. */
  readonly sendTimeoutMs: number;
}

/** How one receive command is given. */
export interface ReceiveOptions {
  /** Octets asked for; default those of the settings. */
  readonly asked?: number;
  /** Asks for one datagram and its source. */
  readonly udpInfo?: boolean;
  /** The header line has arrived, that is, the module has taken the data from its buffer. */
  readonly onHeader: (header: ReceiveHeader) => void;
}

/** What one receive command brought. */
export interface Received {
  readonly header: ReceiveHeader;
  readonly bytes: Uint8Array;
  /** True when as much came as was asked for: more may be waiting. */
  readonly isFull: boolean;
}

/**
 * `AT#SRECV`. Undefined when nothing was waiting: a module says so with error 555, "activation failed".
 *
 * Rejects with `ERR_IPEASY_DATA_DAMAGED` when what came does not fit its header.
 */
export async function receive(
  at: AtClient,
  connId: number,
  settings: TransferSettings,
  { asked = settings.receiveBytes, udpInfo = false, onHeader }: ReceiveOptions,
): Promise<Received | undefined> {
  const perByte = settings.dataMode === 'hex' ? 2 : 1;
  let announced: ReceiveHeader | undefined;
  try {
    const { payload } = await at.command(`AT#SRECV=${connId},${asked}${udpInfo ? ',1' : ''}`, {
      timeoutMs: settings.receiveTimeoutMs,
      countedPayload: (line) => {
        const header = parseReceiveHeader(line);
        // More than was asked for would be a damaged header: it must not swallow what follows.
        if (header?.connId !== connId || header.bytes > asked) return undefined;
        announced = header;
        onHeader(header);
        return header.bytes * perByte;
      },
    });
    if (announced?.bytes === 0) return undefined;
    const bytes = settings.dataMode === 'hex' && payload !== undefined ? fromHexText(payload) : payload;
    if (announced === undefined || bytes?.length !== announced.bytes) {
      throw damaged(connId, announced?.bytes, bytes?.length ?? 0);
    }
    return { header: announced, bytes, isFull: announced.bytes === asked };
  } catch (error) {
    if (announced === undefined && cmeOf(error) === 555) return undefined;
    // The header came and the command never ended: octets between the two were lost on the line.
    if (announced !== undefined && hasCode(error, 'ERR_AT_TIMEOUT')) {
      throw damaged(connId, announced.bytes, undefined, error);
    }
    throw error;
  }
}

/** One send command with at most `sendBytes` octets; resolves when the module has taken them. */
export async function send(at: AtClient, connId: number, bytes: Uint8Array, settings: TransferSettings): Promise<void> {
  const counted = settings.sendCommand.endsWith('EXT');
  await at.command(`AT${settings.sendCommand}=${connId}${counted ? `,${bytes.length}` : ''}`, {
    timeoutMs: settings.sendTimeoutMs,
    // Without a count, Ctrl-Z, ESC and backspace in the data would act: as hex digits they cannot.
    prompt: counted ? { bytes, end: 'counted' } : { bytes: toHexText(bytes), end: 'ctrlZ' },
  });
}

function damaged(
  connId: number,
  announced: number | undefined,
  got: number | undefined,
  cause?: unknown,
): CellmuxError {
  return new CellmuxError(
    'ERR_IPEASY_DATA_DAMAGED',
    `socket ${connId}: received data was damaged between the module and here`,
    {
      cause,
      hint: 'Octets were lost on the line: check flow control and baud rate, or use a multiplexer mode that repeats lost frames.',
      context: { connId, announcedBytes: announced, receivedBytes: got },
    },
  );
}
