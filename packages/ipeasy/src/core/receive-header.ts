import { decimal, splitFields } from './split-fields.ts';

/** The header of what `#SRECV` hands out. */
export interface ReceiveHeader {
  readonly connId: number;
  /** Octets of payload behind the header; twice as many characters in hex mode. */
  readonly bytes: number;
  /** Sender of the datagram, where the third parameter of #SRECV asked for it. */
  readonly source?: { readonly address: string; readonly port: number };
  /** Octets of the same datagram that are still waiting, where asked for. */
  readonly leftBytes?: number;
}

/** `#SRECV: connId,n`, or with UDP information `#SRECV: ip,port,connId,n,left`; undefined for any other line. */
export function parseReceiveHeader(line: string): ReceiveHeader | undefined {
  const fields = splitFields(line, '#SRECV');
  if (fields === undefined) return undefined;
  if (fields.length < 4) {
    const connId = decimal(fields[0]);
    const bytes = decimal(fields[1]);
    return connId === undefined || bytes === undefined ? undefined : { connId, bytes };
  }
  const [address = '', port, connId, bytes, left] = fields;
  const numbers = [port, connId, bytes].map(decimal);
  if (numbers[0] === undefined || numbers[1] === undefined || numbers[2] === undefined) return undefined;
  const leftBytes = decimal(left);
  return {
    connId: numbers[1],
    bytes: numbers[2],
    source: { address, port: numbers[0] },
    ...(leftBytes === undefined ? {} : { leftBytes }),
  };
}
