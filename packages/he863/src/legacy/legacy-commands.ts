import type { CommandResult, IntegerParameter } from '@cellmux/at';
import { integer, numberAt, string, textAt, type Context, type Declaration } from '../sockets/commands/arguments.ts';
import { legacyServiceOf, type LegacyService } from './legacy-service.ts';
import type { LegacyValues } from './legacy-settings.ts';

const ADDRESS_LENGTH = 255;
const CREDENTIAL_LENGTH = 128;

const socketType = integer('socketType', 0, 1);
const remotePort = integer('remotePort', 1, 65_535);
const remoteAddress = string('remoteAddress', ADDRESS_LENGTH);
const localPort = integer('localPort', 0, 65_535, 0);
const closureType: IntegerParameter = {
  kind: 'integer',
  name: 'closureType',
  ranges: [
    [0, 0],
    [255, 255],
  ],
  default: 0,
};

/** The old set with a single socket a port, which new software should not mix with the new one (guide §3.2.2.7, §3.4). */
export const legacyCommands: readonly Declaration[] = [
  {
    name: '#GPRS',
    parameters: [integer('mode', 0, 1)],
    set: async (context, args) => {
      const service = serviceOf(context);
      if (numberAt(args, 0) === 0) {
        service.deactivate();
        return 'OK';
      }
      const activation = await service.activate(context.signal);
      if ('cme' in activation) return activation;
      context.info(`+IP: ${activation.address}`);
      return 'OK';
    },
    read: (context) => {
      context.info(`#GPRS: ${serviceOf(context).isActive ? 1 : 0}`);
      return 'OK';
    },
  },
  {
    name: '#USERID',
    parameters: [string('user', CREDENTIAL_LENGTH)],
    set: (context, args) => {
      serviceOf(context).settings.change({ userId: textAt(args, 0) });
      return 'OK';
    },
    read: (context) => {
      context.info(`#USERID: "${serviceOf(context).settings.values.userId}"`);
      return 'OK';
    },
    test: '',
  },
  {
    name: '#PASSW',
    parameters: [string('pwd', CREDENTIAL_LENGTH)],
    set: (context, args) => {
      serviceOf(context).settings.change({ password: textAt(args, 0) });
      return 'OK';
    },
    test: '',
  },
  numeric('#PKTSZ', 'packetSize', 0, 512),
  numeric('#DSTO', 'sendTimeout', 0, 255),
  numeric('#SKTTO', 'inactivityTimeout', 0, 65_535),
  numeric('#SKTCT', 'connectTimeout', 10, 1200),
  {
    name: '#SKTSET',
    parameters: [socketType, remotePort, remoteAddress, closureType, localPort],
    set: (context, args) => {
      serviceOf(context).settings.change({
        socketType: numberAt(args, 0),
        remotePort: numberAt(args, 1),
        remoteAddress: textAt(args, 2),
        closureType: numberAt(args, 3),
        localPort: numberAt(args, 4),
      });
      return 'OK';
    },
    read: (context) => {
      const { values } = serviceOf(context).settings;
      const target = `${values.socketType},${values.remotePort},"${values.remoteAddress}"`;
      context.info(`#SKTSET: ${target},${values.closureType},${values.localPort}`);
      return 'OK';
    },
  },
  {
    name: '#SKTSAV',
    execute: (context) => {
      serviceOf(context).settings.save();
      return 'OK';
    },
    test: '',
  },
  {
    name: '#SKTRST',
    execute: (context) => {
      const service = serviceOf(context);
      service.settings.restoreFactory();
      // It resets what the new commands keep as well.
      service.table.settings.restoreFactory();
      return 'OK';
    },
    test: '',
  },
  {
    name: '#SKTOP',
    execute: (context) => serviceOf(context).open(context),
    test: '',
  },
  {
    name: '#SKTD',
    parameters: [socketType, remotePort, remoteAddress, closureType, localPort],
    set: (context, args) =>
      serviceOf(context).dial(context, {
        transport: numberAt(args, 0) === 0 ? 'tcp' : 'udp',
        port: numberAt(args, 1),
        host: textAt(args, 2),
        closureType: numberAt(args, 3),
        localPort: numberAt(args, 4),
      }),
  },
  {
    name: '#SKTL',
    parameters: [integer('mode', 0, 1), socketType, integer('localPort', 1, 65_535), closureType],
    set: (context, args): CommandResult | Promise<CommandResult> => {
      const service = serviceOf(context);
      if (numberAt(args, 0) === 0) return service.socketOf(context.session).unlisten();
      const transport = numberAt(args, 1) === 0 ? 'tcp' : 'udp';
      return service.listen(context, transport, numberAt(args, 2), numberAt(args, 3));
    },
    read: (context) => {
      const { listening } = serviceOf(context).socketOf(context.session);
      if (listening === undefined) context.info('#SKTL: 0');
      else context.info(`#SKTL: 1,${listening.transport === 'tcp' ? 0 : 1},${listening.port},${listening.closureType}`);
      return 'OK';
    },
  },
];

function serviceOf(context: Context): LegacyService {
  return legacyServiceOf(context.session.module);
}

type NumericKey = 'packetSize' | 'sendTimeout' | 'inactivityTimeout' | 'connectTimeout';

function numeric(name: string, key: NumericKey, minimum: number, maximum: number): Declaration {
  return {
    name,
    parameters: [integer('value', minimum, maximum)],
    set: (context, args) => {
      const change: Partial<LegacyValues> = { [key]: numberAt(args, 0) };
      serviceOf(context).settings.change(change);
      return 'OK';
    },
    read: (context) => {
      context.info(`${name}: ${serviceOf(context).settings.values[key]}`);
      return 'OK';
    },
  };
}
