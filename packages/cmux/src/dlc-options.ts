import { checkInteger, checkOneOf } from '@cellmux/port';
import type { LinkOptions } from './core/link-options.ts';
import { defaultPriority, N1_FROM, type DlcParameters } from './core/parameter-negotiation.ts';

/** What to agree on for a DLC; what is left out is the standard's. Anything given is negotiated with PN before SABM. */
export type DlcOptions = Partial<DlcParameters>;

/**
 * What PN is to propose; undefined where nothing is wished. Throws `ERR_OPTION_RANGE` naming the parameter, its value and
 * its range.
 */
export function checkDlcOptions(
  dlci: number,
  wanted: DlcOptions,
  { n1, n1Limit, t1Ms, n2, k }: Pick<LinkOptions, 'n1' | 'n1Limit' | 't1Ms' | 'n2' | 'k'>,
): DlcParameters | undefined {
  if (Object.values(wanted).every((value) => value === undefined)) return undefined;
  const convergence = checkOneOf('convergence', wanted.convergence ?? 1, [1, 2, 3, 4]);
  const n1From = N1_FROM[convergence];
  return {
    frameType: checkOneOf('frameType', wanted.frameType ?? 'UIH', ['UIH', 'UI', 'I']),
    convergence,
    priority: checkInteger('priority', wanted.priority ?? defaultPriority(dlci), 0, 63),
    t1Ms: checkInteger('t1Ms', wanted.t1Ms ?? t1Ms, 10, 2550),
    n1: checkInteger('n1', wanted.n1 ?? Math.max(n1, n1From), n1From, n1Limit),
    n2: checkInteger('n2', wanted.n2 ?? n2, 0, 255),
    k: checkInteger('k', wanted.k ?? k, 1, 7),
  };
}
