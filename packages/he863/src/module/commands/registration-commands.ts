import type { CommandContext, CommandResult } from '@cellmux/at';
import type { He863Module } from '../he863-module.ts';
import type { PortSession } from '../module-services.ts';
import { integer, string, type Declaration } from './declaration.ts';

const AREA = '"00C8","1F2A"';

/** `+CREG` and `+CGREG` as a line: with area and cell where mode 2 asks for them. */
export function registrationLine(name: string, mode: number, stat: number, withMode: boolean): string {
  const parts = [...(withMode ? [String(mode)] : []), String(stat)];
  if (mode === 2 && (stat === 1 || stat === 5)) parts.push(AREA);
  return `${name}: ${parts.join(',')}`;
}

/** SIM, signal, and the network that the module is on (3GPP TS 27.007 §7, §8). */
export function registrationCommands(module: He863Module): Declaration[] {
  const { network, sim } = module;
  return [
    registration('+CREG', () => network.registration),
    registration('+CGREG', () => network.packetRegistration),
    {
      name: '+CSQ',
      execute: (context): CommandResult => {
        context.info(
          `+CSQ: ${network.isRegistered ? module.checked.signalQuality : 99},${network.isRegistered ? 0 : 99}`,
        );
        return 'OK';
      },
      test: '(0-31,99),(0-7,99)',
    },
    {
      name: '+CPIN',
      parameters: [string('pin', 8), string('newpin', 8, '')],
      set: (_context, [pin]): CommandResult => {
        const error = sim.enter(pin as string);
        if (error !== undefined) return { cme: error };
        module.startNetwork();
        return 'OK';
      },
      read: (context): CommandResult => {
        if (typeof sim.state === 'number') return { cme: sim.state };
        context.info(`+CPIN: ${sim.state}`);
        return 'OK';
      },
      test: '',
    },
    {
      name: '+COPS',
      parameters: [integer('mode', 0, 4), integer('format', 0, 2, 2), string('oper', 20, '')],
      set: (): CommandResult => (sim.error === undefined ? 'OK' : { cme: sim.error }),
      read: (context): CommandResult => {
        context.info(network.isRegistered ? '+COPS: 0,2,"00101"' : '+COPS: 0');
        return 'OK';
      },
      test: '(2,"cellmux","cellmux","00101"),,(0-4),(0,2)',
    },
    {
      name: '+CFUN',
      parameters: [
        {
          kind: 'integer',
          name: 'fun',
          ranges: [
            [0, 1],
            [4, 5],
          ],
        },
        integer('rst', 0, 1, 0),
      ],
      set: (context, [fun, rst]): CommandResult => {
        if (rst === 1) return restart(context, module);
        module.setPower(fun as number);
        return 'OK';
      },
      read: (context): CommandResult => {
        context.info(`+CFUN: ${module.power}`);
        return 'OK';
      },
    },
    { name: '#REBOOT', execute: (context): CommandResult => restart(context, module), test: '' },
  ];
}

/** The answer goes out first, then the module is off. */
function restart(context: CommandContext<PortSession>, module: He863Module): CommandResult {
  module.clock.after(20, () => {
    void module.reset(`${context.session.portName}: ${context.name}`);
  });
  return 'OK';
}

function registration(name: string, stat: () => number): Declaration {
  return {
    name,
    parameters: [integer('mode', 0, 2)],
    set: (context, [mode]): CommandResult =>
      context.session.server.settings.set(name, mode as number) ? 'OK' : 'ERROR',
    read: (context): CommandResult => {
      context.info(registrationLine(name, context.session.server.settings.get(name), stat(), true));
      return 'OK';
    },
  };
}
