/** `<stat>` of +CREG and +CGREG (3GPP TS 27.007 §7.2). */
export const REGISTRATION = ['notSearching', 'registered', 'searching', 'denied', 'unknown', 'roaming'] as const;
export type Registration = (typeof REGISTRATION)[number];

/** True where calls can be made. */
export function isRegistered(state: Registration | undefined): boolean {
  return state === 'registered' || state === 'roaming';
}

/** Reads `+CREG: <stat>` (unsolicited) or `+CREG: <n>,<stat>` (answer), of +CREG, +CGREG; undefined for another line. */
export function parseRegistration(
  line: string,
  name: '+CREG' | '+CGREG',
  form: 'answer' | 'unsolicited',
): Registration | undefined {
  if (!line.startsWith(`${name}:`)) return undefined;
  const fields = line.slice(name.length + 1).split(',');
  const stat = Number((form === 'answer' ? fields[1] : fields[0])?.trim());
  return REGISTRATION[stat];
}

/** Signal as +CSQ tells it (3GPP TS 27.007 §8.5). */
export interface SignalQuality {
  /** 0 to 31; undefined where the module does not know. */
  readonly rssi: number | undefined;
  /** The same in dBm, -113 to -51. */
  readonly dbm: number | undefined;
  /** Bit error rate class, 0 to 7; undefined where the module does not know. */
  readonly ber: number | undefined;
}

/** Reads `+CSQ: <rssi>,<ber>`; undefined for another line. */
export function parseSignalQuality(line: string): SignalQuality | undefined {
  const match = /^\+CSQ:\s*(\d{1,3}),\s*(\d{1,3})$/.exec(line);
  if (match === null) return undefined;
  const [rssi, ber] = [Number(match[1]), Number(match[2])];
  const isKnown = rssi <= 31;
  return {
    rssi: isKnown ? rssi : undefined,
    dbm: isKnown ? -113 + 2 * rssi : undefined,
    ber: ber <= 7 ? ber : undefined,
  };
}
