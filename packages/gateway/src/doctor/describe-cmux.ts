import { cmuxForms, HE863, parseCmuxRanges, portSpeedsOf, type CmuxParameter, type CmuxRanges } from '@cellmux/cmux';

/** What is found about the multiplexer of a module: how good it is, in words, and what to do. */
export type CmuxFinding = readonly [state: 'good' | 'doubtful' | 'bad', text: string, advice: string];

const MODES = ['basic', 'advanced'];
const SUBSETS = ['UIH', 'UI', 'I'];

/** The answer to `AT+CMUX=?` in plain words: what the module allows, and what the gateway would use. Undefined: refused. */
export function describeCmux(lines: readonly string[] | undefined): CmuxFinding {
  if (lines === undefined)
    return ['bad', 'it refuses AT+CMUX=?', 'This firmware cannot multiplex, or it needs its SIM first.'];
  const used = `the gateway uses ${HE863.option}, UIH, N1 ${HE863.n1} (${formsOf(undefined)})`;
  const all = lines.map(parseCmuxRanges).filter((ranges) => ranges !== undefined);
  if (all.every((ranges) => Object.keys(ranges).length === 0))
    return ['good', `it multiplexes, and tells no ranges; ${used}`, ''];
  const text = `${all.map(rangesInWords).join('; or ')}; ${used}`;
  const mode = MODES.indexOf(HE863.option);
  if (!all.some((ranges) => allows(ranges, 'mode', mode) && allows(ranges, 'subset', 0)))
    return ['bad', text, 'The gateway needs the basic option with UIH, which this firmware does not have.'];
  if (!all.some((ranges) => allows(ranges, 'N1', HE863.n1)))
    return ['doubtful', text, `N1 ${HE863.n1} is not among what it allows: frames may be lost. Try it under load.`];
  return ['good', text, ''];
}

function formsOf(ranges: CmuxRanges | undefined): string {
  const { option, n1, defaultN1 } = HE863;
  return cmuxForms({ option, subset: 0, baudRate: undefined, n1, defaultN1 }, ranges)
    .map(({ command }) => command)
    .join(', else ');
}

/** True where it is allowed, or nothing is said about it. */
function allows(ranges: CmuxRanges, name: CmuxParameter, value: number): boolean {
  return ranges[name]?.some(([low, high]) => low <= value && value <= high) ?? true;
}

function rangesInWords(ranges: CmuxRanges): string {
  const named = (name: CmuxParameter, words: readonly string[]): string =>
    words.filter((_, value) => ranges[name] !== undefined && allows(ranges, name, value)).join(' and ');
  const speeds = portSpeedsOf(ranges.portSpeed);
  return [
    ['', `${named('mode', MODES)} option`, ranges.mode],
    ['frames ', named('subset', SUBSETS), ranges.subset],
    ['', speeds.length === 0 ? 'speed as the line has it' : `${speeds.join(', ')} Bd`, ranges.portSpeed],
    ['N1 ', figures(ranges.N1), ranges.N1],
    ['T1 ', `${figures(ranges.T1)} × 10 ms`, ranges.T1],
    ['N2 ', figures(ranges.N2), ranges.N2],
    ['T2 ', `${figures(ranges.T2)} × 10 ms`, ranges.T2],
    ['T3 ', `${figures(ranges.T3)} s`, ranges.T3],
    ['k ', figures(ranges.k), ranges.k],
  ]
    .filter(([, , range]) => range !== undefined)
    .map(([name, words]) => `${String(name)}${String(words)}`)
    .join(', ');
}

function figures(ranges: CmuxRanges['N1']): string {
  return (ranges ?? []).map(([low, high]) => (low === high ? String(low) : `${low} to ${high}`)).join(', ');
}
