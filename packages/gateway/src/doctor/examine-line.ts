import { AtClient } from '@cellmux/at';
import { blindCloseDown } from '@cellmux/cmux';
import { hasCode, systemClock, type AbortOptions, type Clock, type Port } from '@cellmux/port';
import { describeCmux } from './describe-cmux.ts';
import { isRegistered, parseRegistration, parseSignalQuality, type Registration } from '../core/network-state.ts';
import { wait } from '../gateway/wait.ts';

/** One thing that was looked at, in plain words. */
export interface Finding {
  readonly what:
    | 'line'
    | 'answer'
    | 'baud'
    | 'multiplexer'
    | 'module'
    | 'firmware'
    | 'SIM'
    | 'signal'
    | 'registration'
    | 'CMUX'
    | 'sockets';
  /** `bad` keeps the gateway from working, `doubtful` may. */
  readonly state: 'good' | 'doubtful' | 'bad';
  readonly text: string;
  /** What to do about it; empty where nothing is to be done. */
  readonly advice: string;
}

/** What {@link examineLine} takes. */
export interface ExamineOptions extends AbortOptions {
  readonly clock?: Clock;
  /** Opens the line with this rate; without one as it is. */
  readonly open: (baudRate: number | undefined) => Promise<{ readonly port: Port; close(): Promise<void> }>;
  /** Rates to try, the likeliest first; empty for a line that has none. */
  readonly baudRates: readonly number[];
  readonly onFinding?: (finding: Finding) => void;
}

/** The rates that modules come with, the likeliest first. */
export const BAUD_RATES = [115_200, 9600, 460_800, 921_600, 230_400, 57_600, 38_400, 19_200] as const;

const ANSWER_MS = 700;
const FREED_MS = 500;
const GOOD_DBM = -95;
const POOR_DBM = -105;

/**
 * Finds out what is on a line: its rate, whether a crashed run left the module in the multiplexer (it is freed then), which
 * module it is, SIM, signal, registration, multiplexing, sockets. Never rejects for what is wrong with the module: that is
 * a finding. Rejects with the signal's reason.
 */
export async function examineLine(options: ExamineOptions): Promise<readonly Finding[]> {
  const { clock = systemClock, signal, onFinding } = options;
  const findings: Finding[] = [];
  const find = (what: Finding['what'], state: Finding['state'], text: string, advice = ''): void => {
    const finding = { what, state, text, advice };
    findings.push(finding);
    onFinding?.(finding);
  };
  const rates: readonly (number | undefined)[] = options.baudRates.length === 0 ? [undefined] : options.baudRates;
  let heard = 0;
  for (const rate of rates) {
    signal?.throwIfAborted();
    let line: Awaited<ReturnType<ExamineOptions['open']>>;
    try {
      line = await options.open(rate);
    } catch (error) {
      signal?.throwIfAborted();
      const { message, hint } = error as { message: string; hint?: string };
      find('line', 'bad', message, hint ?? 'Check the name of the line, the cable, and that no other program uses it.');
      return findings;
    }
    try {
      if (rate === rates[0]) find('line', 'good', `${line.port.name} can be opened`);
      const { client, wasMultiplexed, octets } = await rouse(line.port, clock, signal);
      heard += octets;
      if (client === undefined) continue;
      try {
        find('answer', 'good', 'a module answers AT');
        if (rate !== undefined) {
          find(
            'baud',
            rate === rates[0] ? 'good' : 'doubtful',
            `at ${rate} bit/s`,
            rate === rates[0] ? '' : `Give --baud ${rate}.`,
          );
        }
        if (wasMultiplexed) {
          find(
            'multiplexer',
            'doubtful',
            'a run that crashed had left it in the multiplexer; it is freed now',
            'Nothing more; `cellmux up` frees a module by itself.',
          );
        }
        await examineModule(client, find, signal);
      } finally {
        await client.close();
      }
      return findings;
    } finally {
      await line.close();
    }
  }
  const seen = heard === 0 ? 'nothing at all came back' : `${heard} octets came back, and none of them is an answer`;
  find(
    'answer',
    'bad',
    `no module answers AT: ${seen}`,
    heard === 0
      ? 'Check power, cable (RX and TX crossed?), that it is the AT port of the device, and flow control (--no-rtscts).'
      : 'Check the rate (--baud) and that nothing else talks on this port.',
  );
  return findings;
}

/** Has the module answer AT: plainly, out of data mode, or out of the multiplexer of another run. */
async function rouse(
  port: Port,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<{ readonly client: AtClient | undefined; readonly wasMultiplexed: boolean; readonly octets: number }> {
  let octets = 0;
  for (const isFreed of [false, true]) {
    if (isFreed) {
      const listening = port.received$.subscribe({
        next: (chunk) => (octets += chunk.length),
        error: () => undefined,
      });
      await port.send(blindCloseDown(), { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
      await wait(FREED_MS, clock, signal);
      listening.unsubscribe();
    }
    const client = new AtClient(port, { clock });
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        await client.command('AT', { timeoutMs: ANSWER_MS, signal });
        return { client, wasMultiplexed: isFreed, octets };
      } catch (error) {
        signal?.throwIfAborted();
        // An ERROR is an answer too.
        if (hasCode(error, 'ERR_AT_ERROR') || hasCode(error, 'ERR_AT_CME')) {
          return { client, wasMultiplexed: isFreed, octets };
        }
      }
    }
    await client.close();
  }
  return { client: undefined, wasMultiplexed: false, octets };
}

type Find = (what: Finding['what'], state: Finding['state'], text: string, advice?: string) => void;

async function examineModule(client: AtClient, find: Find, signal: AbortSignal | undefined): Promise<void> {
  const ask = async (line: string): Promise<readonly string[] | undefined> => {
    try {
      return (await client.command(line, { signal, timeoutMs: 5000 })).lines;
    } catch {
      signal?.throwIfAborted();
      return undefined;
    }
  };
  await ask('ATE0');
  await ask('AT+CMEE=1');
  const [maker, model, revision] = [await ask('AT+CGMI'), await ask('AT+CGMM'), await ask('AT+CGMR')];
  const name = [maker?.[0], model?.[0]].filter(Boolean).join(' ');
  const isTelit = /telit/i.test(name);
  find(
    'module',
    name === '' || !isTelit ? 'doubtful' : 'good',
    name === '' ? 'it does not say what it is' : name,
    isTelit ? '' : 'IP Easy is of Telit modules: PPP and AT may work all the same.',
  );
  find('firmware', revision === undefined ? 'doubtful' : 'good', revision?.[0] ?? 'it does not say');
  await examineSim(client, find, signal);
  const quality = (await ask('AT+CSQ'))?.map(parseSignalQuality).find((one) => one !== undefined);
  if (quality?.dbm === undefined)
    find('signal', 'doubtful', 'it hears no network', 'Check the antenna, and wait half a minute after power-on.');
  else {
    const state = quality.dbm >= GOOD_DBM ? 'good' : quality.dbm >= POOR_DBM ? 'doubtful' : 'bad';
    find(
      'signal',
      state,
      `${quality.dbm} dBm`,
      state === 'good' ? '' : 'Check the antenna and its place: PPP and sockets will be slow or break.',
    );
  }
  await examineRegistration(ask, find);
  find('CMUX', ...describeCmux(await ask('AT+CMUX=?')));
  const sockets = await ask('AT#SS');
  if (sockets === undefined)
    find(
      'sockets',
      'bad',
      'it has no IP Easy sockets (AT#SS is refused)',
      'Leave --proxy, --forward and --listen out, or update its firmware.',
    );
  else {
    const open = sockets.filter((line) => !/^#SS: \d,0/.test(line)).length;
    find('sockets', 'good', `IP Easy: ${sockets.length} sockets, ${open} open`);
  }
}

async function examineSim(client: AtClient, find: Find, signal: AbortSignal | undefined): Promise<void> {
  try {
    const { lines } = await client.command('AT+CPIN?', { signal });
    const state = lines.map((line) => /^\+CPIN: (.*)$/.exec(line)?.[1]).find((one) => one !== undefined) ?? 'unknown';
    const advice: Readonly<Record<string, string>> = {
      'SIM PIN': 'Give its PIN with --pin-file, or switch it off.',
      'SIM PUK': 'Its PIN was wrong three times: enter the PUK in a phone.',
    };
    find(
      'SIM',
      state === 'READY' ? 'good' : 'bad',
      state === 'READY' ? 'ready' : `it asks for ${state}`,
      advice[state] ?? '',
    );
  } catch (error) {
    signal?.throwIfAborted();
    const { context, message } = error as { context?: Readonly<Record<string, unknown>>; message: string };
    const text = typeof context?.['text'] === 'string' ? context['text'] : message;
    find('SIM', 'bad', text, 'Check that the SIM is in its place, the right way round, and not damaged.');
  }
}

async function examineRegistration(
  ask: (line: string) => Promise<readonly string[] | undefined>,
  find: Find,
): Promise<void> {
  const stateOf = async (name: '+CREG' | '+CGREG'): Promise<Registration | undefined> =>
    (await ask(`AT${name}?`))?.map((line) => parseRegistration(line, name, 'answer')).find((one) => one !== undefined);
  const [circuit, packet] = [await stateOf('+CREG'), await stateOf('+CGREG')];
  const operator = (await ask('AT+COPS?'))?.map((line) => /"([^"]*)"/.exec(line)?.[1]).find((one) => one !== undefined);
  const words: Readonly<Record<Registration, string>> = {
    notSearching: 'not registered, and it does not search',
    registered: 'registered',
    searching: 'not registered yet: it searches',
    denied: 'the network refuses it',
    unknown: 'it does not know',
    roaming: 'registered, roaming',
  };
  const best = isRegistered(packet) ? packet : isRegistered(circuit) ? circuit : (packet ?? circuit ?? 'unknown');
  const place = operator === undefined ? '' : ` with ${operator}`;
  if (isRegistered(packet)) find('registration', 'good', `${words[best ?? 'unknown']}${place}`);
  else if (isRegistered(circuit)) {
    find(
      'registration',
      'bad',
      `${words[best ?? 'unknown']}${place}, but not for packets`,
      'The subscription may lack data, or the cell has none: ask the operator.',
    );
  } else {
    const denied = packet === 'denied' || circuit === 'denied';
    find(
      'registration',
      'bad',
      words[best ?? 'unknown'],
      denied
        ? 'Check with the operator that the SIM is active and may use this network.'
        : 'Check antenna and coverage; a search may take minutes.',
    );
  }
}
