import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMet, type BenchRow, type BenchSkip } from '../../packages/port/bench/index.ts';
import { HELP, parseBenchArguments, type BenchArguments } from './bench-arguments.ts';
import { benchTable, formatRatio, formatValue } from './bench-table.ts';
import { measureSuite } from './measure-suite.ts';
import { SUITES } from './suites.ts';

const DEFAULT_OUTPUT = fileURLToPath(new URL('../../bench/results.json', import.meta.url));

let wanted: BenchArguments;
try {
  wanted = parseBenchArguments(process.argv.slice(2), Object.keys(SUITES));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\nSee pnpm bench --help.\n`);
  process.exit(2);
}
if (wanted.help) process.stdout.write(HELP);
else process.exitCode = await bench(wanted);

async function bench({ packages, quick, json, strict, output = DEFAULT_OUTPUT }: BenchArguments): Promise<number> {
  const useColours = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
  const rows: BenchRow[] = [];
  let status = 0;
  for (const name of packages) {
    const figures: (BenchRow | BenchSkip)[] = [];
    try {
      await measureSuite(name, quick, (figure) => {
        figures.push(figure);
        progress(figure);
      });
    } catch (error) {
      progressLine(`${(error as Error).message}\n`);
      status = 1;
    }
    progressLine('');
    for (const figure of figures) if (!('skipped' in figure)) rows.push(figure);
    if (!json) process.stdout.write(`\n${name}\n${benchTable(figures, useColours)}\n`);
  }
  const results = rows.map(({ target, ...row }) => ({
    ...row,
    target: target ?? null,
    met: isMet({ ...row, ...(target === undefined ? {} : { target }) }) ?? null,
  }));
  const text = `${JSON.stringify(results, null, 2)}\n`;
  await mkdir(dirname(output), { recursive: true });
  await writeFile(output, text);
  if (json) process.stdout.write(text);
  const missed = results.filter(({ met }) => met === false);
  const met = results.filter((row) => row.met === true);
  process.stderr.write(`\n${met.length} targets met, ${missed.length} missed; figures in ${output}\n`);
  for (const row of missed) {
    process.stderr.write(
      `  missed: ${row.package}: ${row.name}: ${formatValue(row.value)} ${row.unit} ${formatRatio(row.ratio)}\n`,
    );
  }
  return strict && missed.length > 0 ? 1 : status;
}

/** One line that moves on a terminal, one line each elsewhere. */
function progress(figure: BenchRow | BenchSkip): void {
  const text =
    'skipped' in figure
      ? `${figure.package}: ${figure.name}: not measured: ${figure.skipped}`
      : `${figure.package}: ${figure.name}: ${formatValue(figure.value)} ${figure.unit} ${formatRatio(figure.ratio)}`;
  if (process.stderr.isTTY) progressLine(text.slice(0, (process.stderr.columns || 80) - 1));
  else process.stderr.write(`${text}\n`);
}

function progressLine(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  else if (text !== '') process.stderr.write(text);
}
