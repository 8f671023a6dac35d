import { z } from 'zod';
import { parseFirewallRule } from '../core/firewall-rule.ts';
import { parseForwardRule } from '../core/forward-rule.ts';
import { parseHostPort } from '../core/host-port.ts';
import { parseIncomingRule } from '../core/incoming-rule.ts';
import { parseLineName } from '../core/line-name.ts';

const LOOPBACK = '127.0.0.1';

/** A text that a reader makes something of, or refuses. */
function text<T>(read: (text: string) => T | undefined, allowed: string) {
  return z
    .union([z.string(), z.number().transform(String)], { error: `${allowed} is allowed` })
    .transform((value, context) => {
      const result = read(value);
      if (result !== undefined) return result;
      context.addIssue({ code: 'custom', message: `${allowed} is allowed`, input: value });
      return z.NEVER;
    });
}

/** A whole number within a range; command line and environment give it as text. */
function integer(minimum: number, maximum: number) {
  const allowed = `a whole number from ${minimum} to ${maximum} is allowed`;
  return z
    .union([z.number(), z.string().regex(/^\d+$/).transform(Number)], { error: allowed })
    .refine((value) => Number.isInteger(value) && value >= minimum && value <= maximum, { error: allowed });
}

const TRUE = ['true', 'yes', 'on', '1'];
const FALSE = ['false', 'no', 'off', '0'];

function yesOrNo() {
  const allowed = 'true or false is allowed';
  return z.union([z.boolean(), z.enum([...TRUE, ...FALSE]).transform((word) => TRUE.includes(word))], {
    error: allowed,
  });
}

/** One or several; in the environment they are separated by commas. */
function several<T extends z.ZodType>(one: T, allowed: string) {
  return z
    .union([z.array(z.unknown()), z.string()], { error: `a list is allowed, each ${allowed}` })
    .transform((value, context) => {
      const items = typeof value === 'string' ? value.split(',') : value;
      return items.flatMap((item) => {
        const read = one.safeParse(typeof item === 'string' ? item.trim() : item);
        if (read.success) return [read.data];
        context.addIssue({ code: 'custom', message: `${allowed} is allowed`, input: item });
        return [];
      });
    });
}

const address = text((value) => parseHostPort(value, { defaultHost: LOOPBACK, minimumPort: 0 }), '[HOST:]PORT');
const path = text((value) => (value.trim() === '' ? undefined : value), 'a path');
const word = text((value) => value, 'a text');

/** One thing that can be set: how the command line calls it, what it is, what is allowed. */
export interface Setting {
  /** As commander reads it. A setting that is on unless it is switched off begins with `--no-`. */
  readonly flag: string;
  readonly description: string;
  readonly schema: z.ZodType;
  /** It may be given several times. */
  readonly isList?: boolean;
}

/** Everything that `cellmux up` can be told, by its key in the configuration file. */
export const SETTINGS = {
  line: {
    flag: '--line <line>',
    description: 'DEVICE, tcp:HOST:PORT, or virtual',
    schema: text(parseLineName, 'a device, tcp:HOST:PORT or virtual'),
  },
  baud: {
    flag: '--baud <rate>',
    description: 'rate of a serial device in bit/s; 115200',
    schema: integer(300, 12_000_000),
  },
  rtscts: { flag: '--no-rtscts', description: 'no hardware flow control on a serial device', schema: yesOrNo() },
  atGap: {
    flag: '--at-gap <ms>',
    description: 'silence the module wants between an answer and the next command; 20',
    schema: integer(0, 1000),
  },
  apn: { flag: '--apn <name>', description: "access point name; the subscription's own", schema: word },
  user: { flag: '--user <name>', description: 'user name for the network (PAP, CHAP)', schema: word },
  passwordFile: {
    flag: '--password-file <file>',
    description: "its password: the file's first line; or in the environment, CELLMUX_PASSWORD",
    schema: path,
  },
  pinFile: {
    flag: '--pin-file <file>',
    description: "the SIM's PIN: the file's first line; or in the environment, CELLMUX_PIN",
    schema: path,
  },
  tun: { flag: '--tun <name>', description: 'the packets of PPP on a TUN device; needs CAP_NET_ADMIN', schema: word },
  route: {
    flag: '--route <network>',
    description: 'routed into the TUN device: default, 10.0.0.0/8; repeatable',
    schema: several(
      text(
        (value) => (/^(default|[0-9a-fA-F.:]+(\/\d{1,3})?)$/.test(value) ? value : undefined),
        'default or a network such as 10.0.0.0/8',
      ),
      'default or a network such as 10.0.0.0/8',
    ),
    isList: true,
  },
  resolvConf: {
    flag: '--resolv-conf <file>',
    description: 'gets the name servers of PPP for as long as the TUN device is there',
    schema: path,
  },
  proxy: {
    flag: '--proxy <[host:]port>',
    description: 'HTTP proxy over IP Easy sockets; 127.0.0.1 unless a host is given',
    schema: address,
  },
  forward: {
    flag: '--forward <[addr:]port:host:port>',
    description: 'TCP forward over an IP Easy socket; repeatable',
    schema: several(text(parseForwardRule, '[ADDRESS:]PORT:HOST:PORT'), '[ADDRESS:]PORT:HOST:PORT'),
    isList: true,
  },
  listen: {
    flag: '--listen <port:host:port>',
    description: 'a port of the module, whose connections go to a local server; repeatable',
    schema: several(text(parseIncomingRule, 'PORT:HOST:PORT'), 'PORT:HOST:PORT'),
    isList: true,
  },
  firewall: {
    flag: '--firewall <address[/mask]>',
    description: 'who may connect to --listen: ADDRESS, ADDRESS/24, 0.0.0.0/0; repeatable',
    schema: several(
      text(parseFirewallRule, 'ADDRESS, ADDRESS/BITS or ADDRESS/MASK'),
      'ADDRESS, ADDRESS/BITS or ADDRESS/MASK',
    ),
    isList: true,
  },
  queue: {
    flag: '--queue <count>',
    description: 'connections that may wait for one of the six sockets; 64',
    schema: integer(0, 65_536),
  },
  dialWait: {
    flag: '--dial-wait <ms>',
    description: 'how long a connection waits while the sockets are being restored; 20000',
    schema: integer(0, 600_000),
  },
  atPty: { flag: '--at-pty <link>', description: 'AT of port 3 on a pty, linked there', schema: path },
  ports: {
    flag: '--ports <folder>',
    description: 'the virtual ports as ptys FOLDER/1, 2, 3 for other programs, and nothing else',
    schema: path,
  },
  control: {
    flag: '--control <path>',
    description: 'socket for `cellmux at` and `cellmux status`',
    schema: z.union([path, z.literal(false)]),
  },
  capture: {
    flag: '--capture <file>',
    description: 'record all frames of CMUX and PPP as pcapng, for Wireshark',
    schema: path,
  },
  captureSize: {
    flag: '--capture-size <MiB>',
    description: 'a file this long is followed by the next; one file without end',
    schema: integer(1, 1_048_576),
  },
  captureSecrets: {
    flag: '--capture-secrets',
    description: 'passwords and PINs stay in the capture; * stands for their octets otherwise',
    schema: yesOrNo(),
  },
  captureKeep: {
    flag: '--capture-keep <count>',
    description: 'files that are kept: FILE, FILE.1, …; 5',
    schema: integer(1, 1000),
  },
  metrics: {
    flag: '--metrics <[host:]port>',
    description: 'Prometheus metrics at /metrics, health at /health; beyond loopback it needs a token',
    schema: address,
  },
  dashboard: {
    flag: '--dashboard <[host:]port>',
    description: 'a live page; beyond loopback it needs a token',
    schema: address,
  },
  tokenFile: {
    flag: '--token-file <file>',
    description: "what proxy, dashboard and metrics ask for beyond loopback: the file's first line; or CELLMUX_TOKEN",
    schema: path,
  },
  ping: {
    flag: '--ping <host>',
    description: 'ping this host through PPP as long as the gateway is up',
    schema: text((value) => (/^[^\s]+$/.test(value) ? value : undefined), 'an address or a name'),
  },
  pingInterval: {
    flag: '--ping-interval <ms>',
    description: 'from one ping to the next; 1000',
    schema: integer(10, 3_600_000),
  },
  logLevel: {
    flag: '--log-level <level>',
    description: 'trace, debug, info, warn, error, fatal or silent; info',
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'trace, debug, info, warn, error, fatal or silent is allowed',
    }),
  },
  logFormat: {
    flag: '--log-format <format>',
    description: 'human or json; human on a terminal, else json',
    schema: z.enum(['human', 'json'], { error: 'human or json is allowed' }),
  },
  recover: { flag: '--no-recover', description: 'end at the first outage instead of restoring', schema: yesOrNo() },
  retryStart: {
    flag: '--retry-start',
    description: 'a first start that fails is tried again like any other outage',
    schema: yesOrNo(),
  },
  giveUpAfter: {
    flag: '--give-up-after <s>',
    description: 'end when an outage lasts this long; never',
    schema: integer(1, 31_536_000),
  },
  longestPause: {
    flag: '--longest-pause <s>',
    description: 'the longest pause between two attempts; 300',
    schema: integer(1, 86_400),
  },
  t1: {
    flag: '--t1 <ms>',
    description: 'T1 of the multiplexer, more for a line with a delay; 100 and the time of the line',
    schema: integer(10, 700),
  },
  keepAlive: {
    flag: '--keep-alive <ms>',
    description: 'silence after which the multiplexer is asked for a sign of life, 0 never; 10000',
    schema: integer(0, 3_600_000),
  },
  pppEcho: {
    flag: '--ppp-echo <ms>',
    description: 'the same for PPP, 0 never; 20000',
    schema: integer(0, 3_600_000),
  },
  poll: {
    flag: '--poll <ms>',
    description: 'from one look at signal and registration to the next, 0 never; 10000',
    schema: integer(0, 3_600_000),
  },
  resetCommand: {
    flag: '--reset-command <command>',
    description: 'run in a shell to reset a module that does not listen to AT: power, a pin',
    schema: text((value) => (value.trim() === '' ? undefined : value), 'a command'),
  },
  json: { flag: '--json', description: 'the same as --log-format json', schema: yesOrNo() },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingKey = keyof typeof SETTINGS;

/** What is set, by its key; what is not set is left out. */
export type Settings = { readonly [Key in SettingKey]?: z.output<(typeof SETTINGS)[Key]['schema']> };

/** `--capture-size` of `captureSize`. */
export function flagOf(key: SettingKey): string {
  return SETTINGS[key].flag.split(' ', 1)[0] ?? key;
}

/** `CELLMUX_CAPTURE_SIZE` of `captureSize`. */
export function variableOf(key: SettingKey): string {
  return `CELLMUX_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
