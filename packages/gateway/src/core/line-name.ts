import { parseHostPort } from './host-port.ts';

/** Where the line to the module is. */
export type LineName =
  | { readonly kind: 'serial'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'virtual' };

/** Reads `virtual`, `tcp:HOST:PORT` or a device path; undefined when it is none of them. */
export function parseLineName(text: string): LineName | undefined {
  if (text === 'virtual') return { kind: 'virtual' };
  if (text.startsWith('tcp:')) {
    const address = parseHostPort(text.slice('tcp:'.length));
    return address === undefined ? undefined : { kind: 'tcp', ...address };
  }
  return text.trim() === '' ? undefined : { kind: 'serial', path: text };
}
