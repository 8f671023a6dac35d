import { parseArgs } from 'node:util';

/** What `pnpm bench` was asked for. */
export interface BenchArguments {
  readonly packages: readonly string[];
  readonly quick: boolean;
  readonly json: boolean;
  readonly strict: boolean;
  /** Where the rows are written; undefined: `bench/results.json`. */
  readonly output: string | undefined;
  readonly help: boolean;
}

/** The text of `--help`. */
export const HELP = `Usage: pnpm bench [--package NAME]... [--quick] [--json] [--output FILE] [--strict]

Measures this workspace and prints a table for each package: each figure, what it is compared with in the same run,
how many times as fast it is, and whether it reaches its target. Writes bench/results.json too.

  -p, --package NAME  only these: cmux, at, ppp, ipeasy, stack (all layers together), or lines (many gateways); may be repeated
  -q, --quick         a look that takes less than a minute; figures are coarse
      --json          the rows as JSON on standard output instead of tables
  -o, --output FILE   where the rows are written as JSON, instead of bench/results.json
      --strict        exit status 1 where a target is missed
  -h, --help          this text

Examples:
  pnpm bench
  pnpm bench --package cmux --package ppp
  pnpm bench --quick --json | jq '.[] | select(.met == false)'

Exit status: 0 measured, 1 something failed (or --strict and a target is missed), 2 wrong usage.
`;

/**
 * Reads the arguments; `known` are the suites there are.
 *
 * @throws Error with one sentence for a person.
 */
export function parseBenchArguments(argv: readonly string[], known: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      package: { type: 'string', short: 'p', multiple: true },
      quick: { type: 'boolean', short: 'q', default: false },
      output: { type: 'string', short: 'o' },
      json: { type: 'boolean', default: false },
      strict: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const packages = values.package ?? known;
  const unknown = packages.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new Error(`There is no package ${unknown} to measure; there are ${known.join(', ')}.`);
  const { quick, json, strict, help, output } = values;
  return { packages: known.filter((name) => packages.includes(name)), quick, json, strict, help, output };
}
