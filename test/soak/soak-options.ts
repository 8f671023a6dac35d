import { parseArgs } from 'node:util';

const HELP = `Usage: pnpm soak [--minutes N] [--lines N] [--seed N] [--no-faults]

Runs gateways on virtual modules, each with PPP, six sockets and AT polls at once, and faults now and then, in real time.
At the end every octet must be accounted for, memory must not grow, and no handle may be left.

  --minutes N   how long, above 0; default 10. The growth of memory is judged from 2 minutes on
  --lines N     how many lines, each with a module and a gateway, 1 to 256; default 1
  --seed N      0 to 4294967295; default a random one. The same seed gives the same faults
  --no-faults   traffic alone
  -h, --help    this text

  pnpm soak
  pnpm soak --minutes 0.5 --seed 7
  pnpm soak --lines 8 --no-faults --minutes 1

Exit status: 0 all accounted for, 1 something was not (what, on standard error), 2 wrong usage.
`;

export interface SoakOptions {
  readonly minutes: number;
  readonly lines: number;
  readonly seed: number;
  readonly faults: boolean;
}

/** What the command line asks for; undefined, with the exit status set, where it asks for help or for nonsense. */
export function readSoakOptions(): SoakOptions | undefined {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '10' },
        lines: { type: 'string', default: '1' },
        seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
        faults: { type: 'boolean', default: true },
        help: { type: 'boolean', short: 'h', default: false },
      },
      allowNegative: true,
    });
    if (values.help) {
      process.stdout.write(HELP);
      return undefined;
    }
    const number = (name: 'minutes' | 'lines' | 'seed', is: (value: number) => boolean, what: string): number => {
      const value = Number(values[name]);
      if (values[name].trim() === '' || !is(value)) throw new Error(`--${name} ${values[name]}: ${what} is wanted`);
      return value;
    };
    const whole = (most: number, least: number) => (value: number) =>
      Number.isInteger(value) && value >= least && value <= most;
    return {
      minutes: number('minutes', (value) => value > 0 && value < Infinity, 'a number above 0'),
      lines: number('lines', whole(256, 1), 'a whole number from 1 to 256'),
      seed: number('seed', whole(2 ** 32 - 1, 0), 'a whole number from 0 to 4294967295'),
      faults: values.faults,
    };
  } catch (error) {
    process.stderr.write(`soak: ${(error as Error).message}\n\n${HELP}`);
    process.exitCode = 2;
    return undefined;
  }
}
