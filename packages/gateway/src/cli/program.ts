import { Command, type OutputConfiguration } from 'commander';
import { readFileSync } from 'node:fs';
import type { CommandEnvironment } from './command-environment.ts';
import { atCommand } from './commands/at.ts';
import { decodeCommand } from './commands/decode.ts';
import { demoCommand } from './commands/demo.ts';
import { doctorCommand } from './commands/doctor.ts';
import { ftpCommand } from './commands/ftp.ts';
import { moduleCommand } from './commands/module.ts';
import { statusCommand } from './commands/status.ts';
import { upCommand } from './commands/up.ts';
import { EXIT_CODE_HELP, type ExitCode } from './exit-codes.ts';

/** Called with the exit status of the command that ran. */
export type OnDone = (exitCode: ExitCode) => void;

/** The whole command line. `onDone` is told how the command ended; errors are thrown. */
export function buildProgram(environment: CommandEnvironment, onDone: OnDone): Command {
  const { streams } = environment.console;
  const output: OutputConfiguration = {
    writeOut: (text) => streams.stdout.write(text),
    writeErr: (text) => streams.stderr.write(text),
    outputError: (text, write) => {
      write(`cellmux: ${text.replace(/^error: /, '').trim()} (ERR_GATEWAY_USAGE). See --help for what is allowed.\n`);
    },
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  };
  const program = new Command('cellmux')
    .description('One serial line to a cellular module, three ports at the same time: PPP, IP Easy sockets and AT.')
    .addHelpText('after', `\n${EXIT_CODE_HELP}\n\nCELLMUX_DEBUG=1 shows the details of an error.`)
    .version(ownVersion())
    .configureOutput(output)
    .exitOverride();
  for (const build of [
    demoCommand,
    moduleCommand,
    upCommand,
    doctorCommand,
    statusCommand,
    atCommand,
    ftpCommand,
    decodeCommand,
  ]) {
    const command = build(environment, onDone);
    for (const part of [command, ...command.commands]) part.copyInheritedSettings(program);
    program.addCommand(command);
  }
  return program;
}

/** The version in package.json, which stands two folders above this file in the sources and in what is published. */
function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    readonly version: string;
  };
  return version;
}
