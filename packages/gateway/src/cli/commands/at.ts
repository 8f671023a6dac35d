import { AtClient } from '@cellmux/at';
import { Command } from 'commander';
import type { LineName } from '../../core/line-name.ts';
import { requestAt } from '../../gateway/control-client.ts';
import { defaultControlPath } from '../../gateway/control-path.ts';
import { openLine } from '../../gateway/open-line.ts';
import type { CommandEnvironment } from '../command-environment.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { integer, lineName } from '../option-values.ts';
import type { OnDone } from '../program.ts';

interface AtOptions {
  readonly line?: LineName;
  readonly baud: number;
  readonly rtscts: boolean;
  readonly control: string;
  readonly timeout: number;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ cellmux at 'AT+CSQ'                          through \`cellmux up\`, on port 3, while it works
  $ cellmux at 'AT+CREG?' 'AT#SS'                one after the other, up to the first that fails
  $ cellmux at --line /dev/ttyUSB0 'ATI3'        directly, while nothing else uses the line
  $ cellmux at --json 'AT+COPS?'`;

/** `cellmux at`: AT commands through a running gateway or directly on a line. */
export function atCommand(environment: CommandEnvironment, onDone: OnDone): Command {
  return new Command('at')
    .description('Send AT commands and print the answers.')
    .argument('<command...>', 'command lines, AT included')
    .option('--line <line>', 'a line of its own (DEVICE, tcp:HOST:PORT) instead of a running gateway', lineName)
    .option('--baud <rate>', 'rate of a serial device in bit/s', integer(300, 12_000_000), 115_200)
    .option('--no-rtscts', 'no hardware flow control on a serial device')
    .option('--control <path>', 'socket of the gateway', defaultControlPath(environment.console.streams.env))
    .option('--timeout <ms>', 'how long to wait for each answer', integer(100, 600_000), 10_000)
    .option('--json', 'one JSON object for each answer')
    .addHelpText('after', EXAMPLES)
    .action(async (lines: readonly string[], options: AtOptions) => {
      onDone(await runAt(lines, options, environment));
    });
}

type Ask = (line: string) => Promise<{ readonly lines: readonly string[]; readonly result: string }>;

async function runAt(
  commands: readonly string[],
  options: AtOptions,
  { console, signal }: CommandEnvironment,
): Promise<ExitCode> {
  const { timeout: timeoutMs } = options;
  const askAll = async (ask: Ask): Promise<void> => {
    for (const command of commands) {
      const { lines, result } = await ask(command);
      if (options.json === true) console.printJson({ command, lines, result });
      else for (const line of [...lines, result]) console.print(line);
    }
  };
  if (options.line === undefined) {
    await askAll((line) => requestAt(options.control, { line, timeoutMs }, { signal }));
    return EXIT.ok;
  }
  const line = await openLine(options.line, { baudRate: options.baud, rtscts: options.rtscts, signal });
  try {
    const client = new AtClient(line.port, { timeoutMs });
    await askAll((text) => client.command(text, { signal }));
    await client.close();
  } finally {
    await line.close();
  }
  return EXIT.ok;
}
