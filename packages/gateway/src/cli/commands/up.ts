import { Command } from 'commander';
import { gatewayOptionsOf } from '../../config/gateway-options-of.ts';
import { readSettings } from '../../config/read-settings.ts';
import { SETTINGS, type Setting, type SettingKey } from '../../config/settings.ts';
import { asError } from '../../errors/describe-error.ts';
import { Gateway } from '../../gateway/gateway.ts';
import { startObservers } from '../../observe/start-observers.ts';
import type { CommandEnvironment } from '../command-environment.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { aborted } from '../interruption.ts';
import type { OnDone } from '../program.ts';
import { refuseSecrets } from '../refuse-secrets.ts';
import { usageError } from '../usage-error.ts';

const EXAMPLES = `
Examples:
  $ cellmux up --line /dev/ttyUSB0 --apn internet --proxy 8080
  $ curl -x 127.0.0.1:8080 http://example.org/

  $ cellmux up --line /dev/ttyUSB0 --apn internet --user me --password-file secret \\
      --forward 2525:mail.example:25 --ping 8.8.8.8 --capture line.pcapng
  $ cellmux up --line /dev/ttyUSB0 --tun ppp0 --route default --metrics 9464 --dashboard 8088
  $ cellmux up --line /dev/ttyUSB0 --listen 8080:127.0.0.1:80 --firewall 10.0.0.0/8
  $ cellmux up --config /etc/cellmux.yaml                 the same as keys: line, apn, proxy, forward: [ … ]

  $ cellmux up --line tcp:127.0.0.1:5000 --proxy 8080     a module of \`cellmux module --tcp 5000\`
  $ cellmux up --line virtual --proxy 8080                no hardware at all

Each option can stand in the configuration file (YAML or JSON) under its name in camel case (captureSize), and in the
environment as CELLMUX_CAPTURE_SIZE. The command line goes before the environment, and that before the file.

What breaks is restored, each service apart from the others: redial, reopen the port, restart the multiplexer, reset the
module, open the line again. It runs until SIGINT or SIGTERM; then it closes the sockets, terminates PPP, closes the
multiplexer, and leaves the module in AT command mode. A second signal ends it at once. SIGUSR1 begins a capture (of
--capture, else cellmux.pcapng, which is written over), SIGUSR2 ends it.`;

/** `cellmux up`: the gateway. */
export function upCommand(environment: CommandEnvironment, onDone: OnDone): Command {
  const command = new Command('up').description(
    'Run the gateway: PPP on port 1, IP Easy sockets on port 2, AT on port 3 of one line.',
  );
  command.option('--config <file>', 'what is not said here is read there: YAML or JSON');
  for (const [key, { flag, description, isList }] of Object.entries<Setting>(SETTINGS)) {
    if (key === 'control') command.option('--no-control', 'no socket for `cellmux at`');
    if (isList !== true) command.option(flag, description);
    else command.option(flag, description, (value: string, before: readonly string[] = []) => [...before, value]);
  }
  refuseSecrets(command, {
    password: '--password-file FILE or CELLMUX_PASSWORD',
    pin: '--pin-file FILE or CELLMUX_PIN',
    token: '--token-file FILE or CELLMUX_TOKEN',
  });
  return command.addHelpText('after', EXAMPLES).action(async (_: unknown, self: Command) => {
    onDone(await runUp(self, environment));
  });
}

/** What the command line says, and nothing that is only a default. */
function flagsOf(command: Command): Partial<Record<SettingKey, unknown>> {
  const given = Object.keys(SETTINGS).filter((key) => command.getOptionValueSource(key) === 'cli');
  return Object.fromEntries(given.map((key) => [key, command.getOptionValue(key) as unknown]));
}

async function runUp(command: Command, { console, signal }: CommandEnvironment): Promise<ExitCode> {
  const { env } = console.streams;
  const configFile = (command.getOptionValue('config') as string | undefined) ?? env['CELLMUX_CONFIG'];
  const settings = await readSettings({ flags: flagsOf(command), env, configFile });
  if (settings.line === undefined) {
    throw usageError('the gateway needs its line: --line DEVICE, CELLMUX_LINE, or line in the --config file');
  }
  const gateway = new Gateway(await gatewayOptionsOf(settings, env));
  await using observers = await startObservers(gateway, settings, console);
  try {
    await gateway.start({ signal });
    observers.isUp();
    await Promise.race([aborted(signal), gateway.ended]);
  } finally {
    await gateway.stop();
  }
  const { error } = await gateway.ended;
  if (error !== undefined) throw asError(error);
  signal.throwIfAborted();
  return EXIT.ok;
}
