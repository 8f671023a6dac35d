import { Command } from 'commander';
import { createLogUpdate } from 'log-update';
import { runDemo, type DemoProgress } from '../../demo/demo.ts';
import { renderProgressLine, renderReport, renderScreen } from '../../demo/render-demo.ts';
import type { CommandEnvironment } from '../command-environment.ts';
import type { Console } from '../console.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { integer } from '../option-values.ts';
import type { OnDone } from '../program.ts';

interface DemoCommandOptions {
  readonly baud: number;
  readonly size: number;
  readonly json?: boolean;
}

/** Without a terminal, one line so often. */
const LINE_EVERY_MS = 2000;

const EXAMPLES = `
Examples:
  $ cellmux demo                  a screen that moves, then a table
  $ cellmux demo --json           the same figures as one JSON object
  $ cellmux demo --baud 1000000 --size 262144

Port 1 carries PPP with pings and UDP echoes both ways, port 2 two HTTP downloads over IP Easy sockets, port 3 AT
commands: all at once, on one paced line to the virtual HE863 in the same process. Exit status 0 only if every body
(CRC-32), every echo (octet for octet) and every answer was verified, and everything ended in order.`;

/** `cellmux demo`: the whole stack in one process, verified. */
export function demoCommand(environment: CommandEnvironment, onDone: OnDone): Command {
  return new Command('demo')
    .description('Show the whole stack at work on one line, no hardware needed, and verify every byte.')
    .option('--baud <rate>', 'rate of the line in bit/s', integer(115_200, 100_000_000), 3_000_000)
    .option('--size <bytes>', 'length of each of the two bodies', integer(1, 2 ** 28), 2 ** 20)
    .option('--json', 'print the result as one JSON object and nothing else')
    .addHelpText('after', EXAMPLES)
    .action(async (options: DemoCommandOptions) => {
      onDone(await runDemoCommand(options, environment));
    });
}

async function runDemoCommand(
  { baud, size, json = false }: DemoCommandOptions,
  { console, signal }: CommandEnvironment,
): Promise<ExitCode> {
  using show = json ? quiet() : console.isInteractive ? screen(console) : lines(console);
  const report = await runDemo({ baudRate: baud, bodyBytes: size, signal, onProgress: show.update });
  show[Symbol.dispose]();
  if (json) console.printJson(rounded(report));
  else console.print(renderReport(report, console.colours));
  return report.ok ? EXIT.ok : EXIT.failed;
}

/** The same without the digits that nobody measured: four behind the point. */
function rounded(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, item: unknown) => (typeof item === 'number' ? Number(item.toFixed(4)) : item)),
  );
}

interface Show extends Disposable {
  readonly update: ((progress: DemoProgress) => void) | undefined;
}

function quiet(): Show {
  return { update: undefined, [Symbol.dispose]: () => undefined };
}

/** Redraws one screen in place. */
function screen(console: Console): Show {
  const { stdout } = console.streams;
  const log = createLogUpdate(stdout as NodeJS.WriteStream);
  return {
    update: (progress) => {
      log(renderScreen(progress, { columns: stdout.columns ?? 80, colours: console.colours }));
    },
    [Symbol.dispose]: () => {
      log.done();
    },
  };
}

/** Writes a line now and then, to stderr: stdout has the result alone. */
function lines(console: Console): Show {
  let nextMs = 0;
  return {
    update: (progress) => {
      if (progress.elapsedMs < nextMs) return;
      nextMs = progress.elapsedMs + LINE_EVERY_MS;
      console.note(renderProgressLine(progress));
    },
    [Symbol.dispose]: () => undefined,
  };
}
