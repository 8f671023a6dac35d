import type { AtClient } from '@cellmux/at';
import { CellmuxError, checkInteger, checkOneOf } from '@cellmux/port';
import { ipEasyError } from './ip-easy-error.ts';

const PRECEDENCES = ['subscribed', 'high', 'normal', 'low'] as const;
/** Peak throughput classes in kbit/s; 0 is what was subscribed. */
const PEAK_KBPS = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256] as const;
/** Mean throughput classes in kbit/s; 0 is what was subscribed. */
const MEAN_KBPS = [
  0, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000,
] as const;
const MEAN_BEST_EFFORT = 31;
const TRAFFIC_CLASSES = ['conversational', 'streaming', 'interactive', 'background', 'subscribed'] as const;
const DELIVERY_ORDERS = ['no', 'yes', 'subscribed'] as const;
const ERRONEOUS_SDUS = ['no', 'yes', 'noDetect', 'subscribed'] as const;
const SDU_ERROR_RATIOS = ['0E0', '1E1', '1E2', '7E3', '1E3', '1E4', '1E5', '1E6'] as const;
const RESIDUAL_ERROR_RATIOS = ['0E0', '5E2', '1E2', '5E3', '4E3', '1E3', '1E4', '1E5', '1E6', '6E8'] as const;

/** Quality of service of 2G (guide §2.1.2, §2.1.3). What is left out is what was subscribed. */
export interface QualityOfService2g {
  readonly precedence?: (typeof PRECEDENCES)[number];
  /** 0 subscribed, 1..4; 4 is best effort. */
  readonly delayClass?: 0 | 1 | 2 | 3 | 4;
  /** 0 subscribed, 1 (everything acknowledged and protected) .. 5 (nothing). */
  readonly reliabilityClass?: 0 | 1 | 2 | 3 | 4 | 5;
  /** 0 subscribed, or 1, 2, 4 .. 256 kbit/s. */
  readonly peakKbps?: (typeof PEAK_KBPS)[number];
  /** 0 subscribed, or 0.1, 0.2, 0.5, 1, 2, 5 .. 50000 kbit/s, or best effort. */
  readonly meanKbps?: (typeof MEAN_KBPS)[number] | 'bestEffort';
}

/** Quality of service of 3G (guide §2.1.4, 3GPP TS 24.008 §10.5.6.5). What is left out is what was subscribed. */
export interface QualityOfService3g {
  readonly trafficClass?: (typeof TRAFFIC_CLASSES)[number];
  /** kbit/s: 0 subscribed, 1..63, 64..568 in steps of 8, 576..8640 in steps of 64. */
  readonly maximumUplinkKbps?: number;
  /** kbit/s: as uplink, and 8700..16000 in steps of 100. */
  readonly maximumDownlinkKbps?: number;
  /** kbit/s: as the maximum. */
  readonly guaranteedUplinkKbps?: number;
  /** kbit/s: as the maximum. */
  readonly guaranteedDownlinkKbps?: number;
  readonly deliveryOrder?: (typeof DELIVERY_ORDERS)[number];
  /** octets: 0 subscribed, 10..1500, 1502, 1510, 1520. */
  readonly maximumSduBytes?: number;
  /** `mEe` is m·10^-e; `0E0` is what was subscribed. */
  readonly sduErrorRatio?: (typeof SDU_ERROR_RATIOS)[number];
  /** `mEe` is m·10^-e; `0E0` is what was subscribed. */
  readonly residualBitErrorRatio?: (typeof RESIDUAL_ERROR_RATIOS)[number];
  readonly deliverErroneousSdus?: (typeof ERRONEOUS_SDUS)[number];
  /** ms: 0 subscribed, 10..150 in steps of 10, 200..950 in steps of 50, 1000..4000 in steps of 50. */
  readonly transferDelayMs?: number;
  /** 0 subscribed, 1..3. */
  readonly trafficHandlingPriority?: 0 | 1 | 2 | 3;
}

/** Quality of service of a context: what is asked for, and what is the least to be accepted. */
export interface QualityOfService {
  readonly requested2g?: QualityOfService2g;
  readonly minimum2g?: QualityOfService2g;
  readonly requested3g?: QualityOfService3g;
  readonly minimum3g?: QualityOfService3g;
}

/** The values of `+CGQREQ` and `+CGQMIN` behind the cid. @throws CellmuxError `ERR_OPTION_RANGE` */
export function values2g(quality: QualityOfService2g): string {
  const { precedence = 'subscribed', delayClass = 0, reliabilityClass = 0, peakKbps = 0, meanKbps = 0 } = quality;
  checkOneOf('precedence', precedence, PRECEDENCES);
  checkInteger('delayClass', delayClass, 0, 4);
  checkInteger('reliabilityClass', reliabilityClass, 0, 5);
  checkOneOf('peakKbps', peakKbps, PEAK_KBPS);
  if (meanKbps !== 'bestEffort') checkOneOf('meanKbps', meanKbps, MEAN_KBPS);
  const mean = meanKbps === 'bestEffort' ? MEAN_BEST_EFFORT : MEAN_KBPS.indexOf(meanKbps);
  const peak = PEAK_KBPS.indexOf(peakKbps);
  return `${PRECEDENCES.indexOf(precedence)},${delayClass},${reliabilityClass},${peak},${mean}`;
}

/** The values of `+CGEQREQ` and `+CGEQMIN` behind the cid. @throws CellmuxError `ERR_OPTION_RANGE` */
export function values3g(quality: QualityOfService3g): string {
  const {
    trafficClass = 'subscribed',
    maximumUplinkKbps = 0,
    maximumDownlinkKbps = 0,
    guaranteedUplinkKbps = 0,
    guaranteedDownlinkKbps = 0,
    deliveryOrder = 'subscribed',
    maximumSduBytes = 0,
    sduErrorRatio = '0E0',
    residualBitErrorRatio = '0E0',
    deliverErroneousSdus = 'subscribed',
    transferDelayMs = 0,
    trafficHandlingPriority = 0,
  } = quality;
  const sduBytes = [1502, 1510, 1520].includes(maximumSduBytes)
    ? maximumSduBytes
    : checkSteps('maximumSduBytes', maximumSduBytes, [[10, 1500, 1]]);
  return [
    TRAFFIC_CLASSES.indexOf(checkOneOf('trafficClass', trafficClass, TRAFFIC_CLASSES)),
    checkSteps('maximumUplinkKbps', maximumUplinkKbps, UPLINK),
    checkSteps('maximumDownlinkKbps', maximumDownlinkKbps, DOWNLINK),
    checkSteps('guaranteedUplinkKbps', guaranteedUplinkKbps, UPLINK),
    checkSteps('guaranteedDownlinkKbps', guaranteedDownlinkKbps, DOWNLINK),
    DELIVERY_ORDERS.indexOf(checkOneOf('deliveryOrder', deliveryOrder, DELIVERY_ORDERS)),
    sduBytes,
    `"${checkOneOf('sduErrorRatio', sduErrorRatio, SDU_ERROR_RATIOS)}"`,
    `"${checkOneOf('residualBitErrorRatio', residualBitErrorRatio, RESIDUAL_ERROR_RATIOS)}"`,
    ERRONEOUS_SDUS.indexOf(checkOneOf('deliverErroneousSdus', deliverErroneousSdus, ERRONEOUS_SDUS)),
    checkSteps('transferDelayMs', transferDelayMs, DELAYS),
    checkInteger('trafficHandlingPriority', trafficHandlingPriority, 0, 3),
  ].join(',');
}

/** One command of a quality of service, and what it is about in words. */
export interface QualityCommand {
  readonly line: string;
  readonly what: string;
}

/** The commands for what is given of it, the least first. @throws CellmuxError `ERR_OPTION_RANGE` */
export function qualityCommands(cid: number, quality: QualityOfService): readonly QualityCommand[] {
  checkInteger('cid', cid, 1, 5);
  const { requested2g, minimum2g, requested3g, minimum3g } = quality;
  const commands: QualityCommand[] = [];
  const add = (name: string, what: string, values: string | undefined): void => {
    if (values !== undefined) commands.push({ line: `AT${name}=${cid},${values}`, what: `${what} (${name})` });
  };
  add('+CGQMIN', 'minimum quality of service of 2G', minimum2g && values2g(minimum2g));
  add('+CGQREQ', 'requested quality of service of 2G', requested2g && values2g(requested2g));
  add('+CGEQMIN', 'minimum quality of service of 3G', minimum3g && values3g(minimum3g));
  add('+CGEQREQ', 'requested quality of service of 3G', requested3g && values3g(requested3g));
  return commands;
}

/** Sends them. Rejects as the module refuses, saying which of the four it was. */
export async function setQualityOfService(
  at: AtClient,
  cid: number,
  commands: readonly QualityCommand[],
  timeoutMs: number,
): Promise<void> {
  for (const { line, what } of commands) {
    try {
      await at.command(line, { timeoutMs });
    } catch (error) {
      const test = `${line.slice(0, line.indexOf('='))}=?`;
      throw ipEasyError(
        error,
        `context ${cid}: ${what}`,
        `${test} lists what it takes; left out, it is as subscribed.`,
      );
    }
  }
}

type Steps = readonly (readonly [first: number, last: number, step: number])[];

const UPLINK: Steps = [
  [1, 63, 1],
  [64, 568, 8],
  [576, 8640, 64],
];
const DOWNLINK: Steps = [...UPLINK, [8700, 16_000, 100]];
const DELAYS: Steps = [
  [10, 150, 10],
  [200, 950, 50],
  [1000, 4000, 50],
];

function checkSteps(option: string, value: number, steps: Steps): number {
  const fits = steps.some(([first, last, step]) => value >= first && value <= last && (value - first) % step === 0);
  if (Number.isInteger(value) && (value === 0 || fits)) return value;
  const range = steps.map(([first, last, step]) => `${first} to ${last} in steps of ${step}`).join(', ');
  throw new CellmuxError('ERR_OPTION_RANGE', `${option} must be 0 or ${range}, not ${value}`, {
    context: { option, value, steps },
  });
}
