/* `pnpm fuzz`: the multiplexer against everything that a line, a peer and an owner can do. */
import { parseArgs } from 'node:util';
import type { FuzzResult } from './fuzz-part.ts';
import { FUZZ_PARTS } from './fuzz-parts.ts';

const FRAMES = 10_000_000;
const HELP = `Usage: pnpm fuzz [--frames N] [--seed N] [--part NAME]... [--json]

Puts frames, damaged frames and random octets through the CMUX deframers, through a multiplexer with a hostile peer, and
through two multiplexers with a faulty line between them, and checks that nothing is thrown, that no bound is passed, that
everything asked for is told how it ended, and that what arrives is what was sent.

  --frames N   frames' worth in all, 1000 to 1000000000; default ${FRAMES}, which takes some minutes
  --seed N     0 to 4294967295; default a random one. The same seed and frames give the same run
  --part NAME  only this part, with all the frames; may be given several times:
${FUZZ_PARTS.map(({ name, title }) => `                 ${name.padEnd(7)} ${title}\n`).join('')}  --json       the figures as JSON on standard output, progress on standard error

Exit status: 0 nothing was found, 1 something was (what, and how to see it again, is on standard error), 2 wrong usage.

  pnpm fuzz
  pnpm fuzz --frames 100000 --seed 7
  pnpm fuzz --part pairs --frames 50000
`;

interface Wanted {
  readonly frames: number;
  readonly seed: number;
  readonly parts: readonly string[];
  readonly isJson: boolean;
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let wanted: Wanted | undefined;
  try {
    wanted = read(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return 2;
  }
  if (wanted === undefined) {
    process.stdout.write(HELP);
    return 0;
  }
  return run(wanted);
}

/** The options; undefined where help is wanted. Throws for what they may not be. */
function read(args: readonly string[]): Wanted | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      frames: { type: 'string' },
      seed: { type: 'string' },
      part: { type: 'string', multiple: true },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const names = FUZZ_PARTS.map(({ name }) => name);
  const unknown = values.part?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`--part must be one of ${names.join(', ')}, not ${unknown}`);
  return {
    frames: number('--frames', values.frames, FRAMES, 1000, 1e9),
    seed: number('--seed', values.seed, Math.floor(Math.random() * 2 ** 32), 0, 2 ** 32 - 1),
    parts: values.part ?? [],
    isJson: values.json,
  };
}

function number(option: string, text: string | undefined, otherwise: number, minimum: number, maximum: number): number {
  if (text === undefined) return otherwise;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= minimum && value <= maximum) return value;
  throw new Error(`${option} must be a whole number from ${minimum} to ${maximum}, not ${text}`);
}

async function run({ frames, seed, parts, isJson }: Wanted): Promise<number> {
  const say = (text: string): void => {
    (isJson ? process.stderr : process.stdout).write(text);
  };
  say(`seed ${seed}\n`);
  const chosen = FUZZ_PARTS.filter(({ name }) => parts.length === 0 || parts.includes(name));
  const shares = chosen.reduce((sum, { share }) => sum + share, 0);
  const figures: Record<string, FuzzResult & { readonly seconds: number }> = {};
  for (const { name, title, share, run: runPart } of chosen) {
    const beganMs = performance.now();
    const seconds = (): number => (performance.now() - beganMs) / 1000;
    const goal = Math.max(1, Math.round((frames * share) / shares));
    say(`${name}: ${title}\n`);
    let toldMs = performance.now();
    try {
      const result = await runPart({
        seed,
        frames: goal,
        onProgress: (done) => {
          if (performance.now() - toldMs < 5000) return;
          toldMs = performance.now();
          say(`  ${Math.floor((100 * done.frames) / goal)} %: ${inWords(done)}, ${seconds().toFixed(0)} s\n`);
        },
      });
      figures[name] = { ...result, seconds: seconds() };
      say(`  nothing found: ${inWords(result)}, ${seconds().toFixed(1)} s\n`);
    } catch (error) {
      process.stderr.write(`${name}: found something\n${error instanceof Error ? describe(error) : String(error)}\n`);
      process.stderr.write(`\nTo see it again: pnpm fuzz --part ${name} --frames ${goal} --seed ${seed}\n`);
      return 1;
    }
  }
  const all = Object.values(figures).reduce(
    (sum, one) => ({ frames: sum.frames + one.frames, octets: sum.octets + one.octets, cases: sum.cases + one.cases }),
    { frames: 0, octets: 0, cases: 0 },
  );
  say(`all: ${inWords(all)}, seed ${seed}\n`);
  if (isJson) process.stdout.write(`${JSON.stringify({ seed, parts: figures, all }, undefined, 2)}\n`);
  return 0;
}

function inWords({ frames, octets, cases }: FuzzResult): string {
  const grouped = (value: number): string => value.toLocaleString('en-US').replaceAll(',', ' ');
  return `${grouped(frames)} frames, ${(octets / 1e6).toFixed(1)} MB, ${grouped(cases)} cases`;
}

function describe(error: Error): string {
  const cause = error.cause instanceof Error ? `\n\ncaused by ${describe(error.cause)}` : '';
  return `${error.message}\n${(error.stack ?? '').replace(/^[^]*?\n {4}at /, '    at ')}${cause}`;
}
