/**
 * `+CME ERROR` codes and their texts: 3GPP TS 27.007 §9.2, and from 400 those of Telit modules with IP Easy (the old
 * numbers 400 to 434 say the same as 550 to 614 on modules with the old command set). Texts as firmware up to 10.00
 * prints them in mode `+CMEE=2`; later firmware writes `can not` for `cannot`, which {@link cmeCode} reads as the same.
 */
export const CME_ERRORS: Readonly<Record<number, string>> = {
  0: 'phone failure',
  1: 'no connection to phone',
  2: 'phone-adaptor link reserved',
  3: 'operation not allowed',
  4: 'operation not supported',
  5: 'PH-SIM PIN required',
  6: 'PH-FSIM PIN required',
  7: 'PH-FSIM PUK required',
  10: 'SIM not inserted',
  11: 'SIM PIN required',
  12: 'SIM PUK required',
  13: 'SIM failure',
  14: 'SIM busy',
  15: 'SIM wrong',
  16: 'incorrect password',
  17: 'SIM PIN2 required',
  18: 'SIM PUK2 required',
  20: 'memory full',
  21: 'invalid index',
  22: 'not found',
  23: 'memory failure',
  24: 'text string too long',
  25: 'invalid characters in text string',
  26: 'dial string too long',
  27: 'invalid characters in dial string',
  30: 'no network service',
  31: 'network time-out',
  32: 'network not allowed - emergency calls only',
  40: 'network personalization PIN required',
  41: 'network personalization PUK required',
  42: 'network subset personalization PIN required',
  43: 'network subset personalization PUK required',
  44: 'service provider personalization PIN required',
  45: 'service provider personalization PUK required',
  46: 'corporate personalization PIN required',
  47: 'corporate personalization PUK required',
  100: 'unknown',
  103: 'Illegal MS (#3)',
  106: 'Illegal ME (#6)',
  107: 'GPRS service not allowed (#7)',
  111: 'PLMN not allowed (#11)',
  112: 'Location area not allowed (#12)',
  113: 'Roaming not allowed in this location area (#13)',
  132: 'service option not supported (#32)',
  133: 'requested service option not subscribed (#33)',
  134: 'service option temporarily out of order (#34)',
  148: 'unspecified GPRS error',
  149: 'PDP authentication failure',
  150: 'invalid mobile class',
  400: 'generic undocumented error',
  401: 'wrong state',
  402: 'wrong mode',
  403: 'context already activated',
  404: 'stack already active',
  405: 'activation failed',
  406: 'context not opened',
  407: 'cannot setup socket',
  408: 'cannot resolve DN',
  409: 'time-out in opening socket',
  410: 'cannot open socket',
  411: 'remote disconnected or time-out',
  412: 'connection failed',
  413: 'tx error',
  414: 'already listening',
  420: 'generic undocumented error',
  421: 'wrong state',
  422: 'can not activate',
  423: 'can not resolve name',
  424: 'can not allocate control socket',
  425: 'can not connect control socket',
  426: 'bad or no response from server',
  427: 'not connected',
  428: 'already connected',
  429: 'context down',
  430: 'no photo available',
  431: 'can not send photo',
  432: 'resource used by other instance',
  550: 'generic undocumented error',
  551: 'wrong state',
  552: 'wrong mode',
  553: 'context already activated',
  554: 'stack already active',
  555: 'activation failed',
  556: 'context not opened',
  557: 'cannot setup socket',
  558: 'cannot resolve DN',
  559: 'time-out in opening socket',
  560: 'cannot open socket',
  561: 'remote disconnected or time-out',
  562: 'connection failed',
  563: 'tx error',
  564: 'already listening',
  565: 'socket disconnection',
  566: 'can not resume socket',
  567: 'wrong APN',
  568: 'wrong PDP',
  569: 'service not supported',
  570: 'QOS not accepted',
  571: 'NSAPI already used',
  572: 'LLC or SNDCP failure',
  573: 'network reject',
  600: 'generic undocumented error',
  601: 'wrong state',
  602: 'can not activate',
  603: 'can not resolve name',
  604: 'can not allocate control socket',
  605: 'can not connect control socket',
  606: 'bad or no response from server',
  607: 'not connected',
  608: 'already connected',
  609: 'context down',
  610: 'no photo available',
  611: 'can not send photo',
  612: 'resource used by other instance',
};

/**
 * The families in which a text is looked for, in this order, when it belongs to several numbers: the general codes, then
 * the sockets', then FTP's, then the old numbers.
 */
const FAMILIES: readonly (readonly [first: number, last: number])[] = [
  [0, 399],
  [550, 599],
  [600, 699],
  [400, 499],
];

const byText = new Map<string, number[]>();
for (const [first, last] of FAMILIES) {
  for (const [key, text] of Object.entries(CME_ERRORS)) {
    const code = Number(key);
    if (code < first || code > last) continue;
    const known = byText.get(errorTextKey(text));
    if (known === undefined) byText.set(errorTextKey(text), [code]);
    else known.push(code);
  }
}

/** What is left of an error text when spelling is put aside: case, spaces, hyphens. */
export function errorTextKey(text: string): string {
  return text.toLowerCase().replace(/[\s-]+/g, '');
}

/**
 * The number of a `+CME ERROR`, given as `10` or as its verbose text in any spelling; undefined for an unknown text.
 *
 * @param family for a text that belongs to several numbers: the FTP commands' are 600 and up.
 */
export function cmeCode(text: string, family: 'socket' | 'ftp' = 'socket'): number | undefined {
  const trimmed = text.trim();
  if (/^\d{1,5}$/.test(trimmed)) return Number(trimmed);
  const codes = byText.get(errorTextKey(trimmed));
  if (codes === undefined) return undefined;
  if (family === 'ftp') return codes.find((code) => code >= 600) ?? codes[0];
  return codes[0];
}
