import { Command } from 'commander';
import type { LineName } from '../../core/line-name.ts';
import { BAUD_RATES, examineLine, type Finding } from '../../doctor/examine-line.ts';
import { openLine } from '../../gateway/open-line.ts';
import type { CommandEnvironment } from '../command-environment.ts';
import type { Colours } from '../console.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { integer, lineName } from '../option-values.ts';
import type { OnDone } from '../program.ts';

interface DoctorOptions {
  readonly line: LineName;
  readonly baud?: number;
  readonly rtscts: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ cellmux doctor --line /dev/ttyUSB0          what is there, what is wrong, what to do
  $ cellmux doctor --line /dev/ttyUSB0 --baud 9600
  $ cellmux doctor --line tcp:127.0.0.1:5000 --json

No gateway may run on the line meanwhile. Exit status 0: it can work; 3: the line, or nobody answers on it; 4: the module
or its SIM; 5: the network.`;

/** `cellmux doctor`: what is on a line, and what is wrong with it. */
export function doctorCommand(environment: CommandEnvironment, onDone: OnDone): Command {
  return new Command('doctor')
    .description('Find out what is on a line, what is wrong with it, and what to do.')
    .requiredOption('--line <line>', 'DEVICE, tcp:HOST:PORT, or virtual', lineName)
    .option(
      '--baud <rate>',
      'rate of a serial device; the usual ones are tried unless it is given',
      integer(300, 12_000_000),
    )
    .option('--no-rtscts', 'no hardware flow control on a serial device')
    .option('--json', 'one JSON object')
    .addHelpText('after', EXAMPLES)
    .action(async (options: DoctorOptions) => {
      onDone(await runDoctor(options, environment));
    });
}

async function runDoctor(
  { line, baud, rtscts, json }: DoctorOptions,
  { console, signal }: CommandEnvironment,
): Promise<ExitCode> {
  const findings = await examineLine({
    open: (baudRate) => openLine(line, { baudRate: baudRate ?? baud, rtscts, signal }),
    baudRates: line.kind !== 'serial' ? [] : baud === undefined ? BAUD_RATES : [baud],
    signal,
    ...(json === true
      ? {}
      : {
          onFinding: (finding) => {
            console.print(renderFinding(finding, console.colours));
          },
        }),
  });
  const bad = findings.filter(({ state }) => state === 'bad');
  if (json === true) console.printJson({ ok: bad.length === 0, findings });
  else
    console.print(
      bad.length === 0 ? console.colours.green('It can work.') : console.colours.red('It cannot work like this.'),
    );
  return exitCodeOf(bad);
}

function renderFinding({ what, state, text, advice }: Finding, colours: Colours): string {
  const mark = { good: colours.green('ok  '), doubtful: colours.yellow('hm  '), bad: colours.red('bad ') }[state];
  return `${mark} ${what.padEnd(13)}${text}${advice === '' ? '' : `\n${' '.repeat(18)}${advice}`}`;
}

function exitCodeOf(bad: readonly Finding[]): ExitCode {
  const has = (...names: readonly Finding['what'][]): boolean => bad.some(({ what }) => names.includes(what));
  if (has('line', 'answer')) return EXIT.line;
  if (has('SIM', 'CMUX', 'sockets', 'module')) return EXIT.module;
  return bad.length === 0 ? EXIT.ok : EXIT.network;
}
