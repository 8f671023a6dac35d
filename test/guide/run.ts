/* `pnpm guide`: the scenarios of the IP Easy User Guide, one at a time, on a virtual module. */
import { GUIDE_PROGRAMS } from './programs.ts';

const HELP = `Usage: pnpm guide [NAME...]

Runs scenarios of Telit's IP Easy User Guide on a virtual module against real servers of this machine.
Without a name it lists them; "all" runs every one.

  pnpm guide http-client
  pnpm guide all
`;

process.exitCode = await main(process.argv.slice(2));

/** Exit status: 0 done, 1 a scenario failed, 2 wrong usage. */
async function main(names: readonly string[]): Promise<number> {
  if (names.includes('--help') || names.includes('-h')) {
    process.stdout.write(HELP);
    return 0;
  }
  if (names.length === 0) {
    process.stdout.write(`${HELP}\n${listing()}`);
    return 0;
  }
  const wanted = names.includes('all') ? GUIDE_PROGRAMS.map(({ name }) => name) : names;
  const unknown = wanted.find((name) => GUIDE_PROGRAMS.every((program) => program.name !== name));
  if (unknown !== undefined) {
    process.stderr.write(`There is no scenario ${JSON.stringify(unknown)}. There are:\n\n${listing()}`);
    return 2;
  }
  let status = 0;
  for (const { name, clause, title, missing, load } of GUIDE_PROGRAMS) {
    if (!wanted.includes(name)) continue;
    process.stdout.write(`${name} (guide ${clause}): ${title}\n`);
    if (missing !== undefined) {
      process.stderr.write(`  cannot run: ${missing}\n`);
      status = 1;
      continue;
    }
    try {
      const { run } = await load();
      await run((line) => process.stdout.write(`  ${line}\n`));
      process.stdout.write('  done\n');
    } catch (error) {
      process.stderr.write(`  failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      status = 1;
    }
  }
  return status;
}

function listing(): string {
  const width = Math.max(...GUIDE_PROGRAMS.map(({ name }) => name.length));
  return GUIDE_PROGRAMS.map(
    ({ name, clause, title, missing }) =>
      `  ${name.padEnd(width)}  ${title} (${clause})${missing === undefined ? '' : `\n  ${' '.repeat(width)}  ${missing}`}\n`,
  ).join('');
}
