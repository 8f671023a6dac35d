import type { CommandContext, CommandResult, IntegerParameter, Parameter } from '@cellmux/at';
import type { JsonValue, NonVolatileMemory, PortSession } from '../module-services.ts';
import { integer, string, type Declaration } from './declaration.ts';

type Ranges = IntegerParameter['ranges'];

/** Bit rates in kbit/s, coarser the higher they are (guide §2.1.4). */
const UP_LINK: Ranges = [
  [0, 63],
  [64, 568, 8],
  [576, 8640, 64],
];
const DOWN_LINK: Ranges = [...UP_LINK, [8700, 16_000, 100]];
const SDU_SIZE: Ranges = [
  [0, 0],
  [10, 1500],
  [1502, 1502],
  [1510, 1510],
  [1520, 1520],
];
/** In ms. The guide has steps of 50 from 1000 on; 3GPP TS 24.008 codes steps of 100, which are among them. */
const TRANSFER_DELAY: Ranges = [
  [0, 0],
  [10, 150, 10],
  [200, 950, 50],
  [1000, 4000, 50],
];
const SDU_ERROR_RATIO = ['0E0', '1E1', '1E2', '7E3', '1E3', '1E4', '1E5', '1E6'];
const RESIDUAL_BIT_ERROR_RATIO = ['0E0', '5E2', '1E2', '5E3', '4E3', '1E3', '1E4', '1E5', '1E6', '6E8'];

/** Quality of service of R97: precedence, delay, reliability, peak and mean (guide §2.1.2, §2.1.3). */
const R97: readonly Parameter[] = [
  integer('precedence', 0, 3, 0),
  integer('delay', 0, 4, 0),
  integer('reliability', 0, 5, 0),
  integer('peak', 0, 9, 0),
  {
    kind: 'integer',
    name: 'mean',
    ranges: [
      [0, 18],
      [31, 31],
    ],
    default: 0,
  },
];

/** Quality of service of R99 (guide §2.1.4). */
const R99: readonly Parameter[] = [
  integer('Traffic class', 0, 4, 4),
  rate('Maximum bitrate UL', UP_LINK),
  rate('Maximum bitrate DL', DOWN_LINK),
  rate('Guaranteed bitrate UL', UP_LINK),
  rate('Guaranteed bitrate DL', DOWN_LINK),
  integer('Delivery order', 0, 2, 2),
  rate('Maximum SDU size', SDU_SIZE),
  { ...string('SDU error ratio', 3, '0E0'), allowed: SDU_ERROR_RATIO },
  { ...string('Residual bit error ratio', 3, '0E0'), allowed: RESIDUAL_BIT_ERROR_RATIO },
  integer('Delivery of erroneous SDUs', 0, 3, 3),
  rate('Transfer delay', TRANSFER_DELAY),
  integer('Traffic handling priority', 0, 3, 0),
];

function rate(name: string, ranges: Ranges): IntegerParameter {
  return { kind: 'integer', name, ranges, default: 0 };
}

/** The four commands that ask for a quality of service; what they are given is kept and changes nothing. */
export function qualityCommands(nvm: NonVolatileMemory): Declaration[] {
  return [
    quality('+CGQMIN', R97, nvm),
    quality('+CGQREQ', R97, nvm),
    quality('+CGEQMIN', R99, nvm),
    quality('+CGEQREQ', R99, nvm),
  ];
}

function quality(name: string, profile: readonly Parameter[], nvm: NonVolatileMemory): Declaration {
  const parameters = [integer('cid', 1, 5), ...profile];
  const key = (cid: number): string => `quality.${name}.${cid}`;
  return {
    name,
    parameters,
    set: (context, [cid, ...values]): CommandResult => {
      // A context alone: as from the factory (3GPP TS 27.007 §10.1.6).
      if (context.given === 1) nvm.delete(key(cid as number));
      else nvm.set(key(cid as number), values);
      return 'OK';
    },
    read: (context): CommandResult => {
      for (let cid = 1; cid <= 5; cid++) print(context, name, cid, nvm.get(key(cid)));
      return 'OK';
    },
    test: (context): CommandResult => {
      context.info(`${name}: "IP",${profile.map(rangeText).join(',')}`);
      return 'OK';
    },
  };
}

function print(context: CommandContext<PortSession>, name: string, cid: number, values: JsonValue | undefined): void {
  if (!Array.isArray(values)) return;
  const shown = values.map((value) => (typeof value === 'string' ? `"${value}"` : String(value)));
  context.info(`${name}: ${[cid, ...shown].join(',')}`);
}

function rangeText(parameter: Parameter): string {
  if (parameter.kind === 'string') return `(${(parameter.allowed ?? []).map((value) => `"${value}"`).join(',')})`;
  return `(${parameter.ranges.map(([low, high]) => (low === high ? String(low) : `${low}-${high}`)).join(',')})`;
}
