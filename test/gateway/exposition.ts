/** One family of the text exposition format of Prometheus (0.0.4). */
export interface MetricFamily {
  readonly type: string;
  readonly help: string;
  /** By name and labels, as `name{a="b",c="d"}` with sorted labels. */
  readonly samples: ReadonlyMap<string, number>;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/y;

/**
 * Reads the text format strictly, by its own rules: help and type once and before the samples, samples of one family
 * together, no sample twice, label names and escapes as they must be, counters that end in `_total` and are not negative,
 * histograms whose buckets grow up to `+Inf`, which is their count. Throws with the line that is wrong.
 */
export function parseExposition(text: string): ReadonlyMap<string, MetricFamily> {
  const families = new Map<string, { type: string; help: string; samples: Map<string, number> }>();
  const helps = new Map<string, string>();
  let current = '';
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  for (const line of text.slice(0, -1).split('\n')) {
    const wrong = (why: string): Error => new Error(`${why}: ${line}`);
    if (line === '') continue;
    const [, comment, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
    if (comment !== undefined) {
      if (!NAME.test(name)) throw wrong('no name of a metric');
      if (comment === 'HELP') {
        if (helps.has(name) || rest === '') throw wrong('help twice, or none');
        helps.set(name, rest);
        continue;
      }
      if (families.has(name)) throw wrong('type twice');
      if (!['counter', 'gauge', 'histogram', 'summary', 'untyped'].includes(rest)) throw wrong('no type');
      if (rest === 'counter' && !name.endsWith('_total')) throw wrong('a counter that does not end in _total');
      families.set(name, { type: rest, help: helps.get(name) ?? '', samples: new Map() });
      current = name;
      continue;
    }
    if (line.startsWith('#')) continue;
    const [, sample = '', labels, figure = ''] = SAMPLE.exec(line) ?? [];
    const family = families.get(current);
    if (family === undefined || sample === '') throw wrong('no sample');
    const suffixes = family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    if (!suffixes.some((suffix) => sample === current + suffix)) throw wrong(`not a sample of ${current}`);
    // As Go's ParseFloat, which Prometheus reads figures with: NaN and Inf in any case.
    const value = /^\+?inf$/i.test(figure) ? Infinity : Number(figure);
    if (figure === '' || (Number.isNaN(value) && !/^nan$/i.test(figure))) throw wrong('no value');
    if (family.type === 'counter' && !(value >= 0)) throw wrong('a counter below zero');
    const key = `${sample}{${labelsOf(labels ?? '', wrong).join(',')}}`;
    if (family.samples.has(key)) throw wrong('twice');
    family.samples.set(key, value);
  }
  for (const [name, { type, help, samples }] of families) {
    if (help === '') throw new Error(`${name} has no help`);
    if (type === 'histogram') checkHistogram(name, samples);
  }
  return families;
}

function labelsOf(labels: string, wrong: (why: string) => Error): string[] {
  const found: string[] = [];
  LABEL.lastIndex = 0;
  for (let at = 0; at < labels.length; at = LABEL.lastIndex) {
    const match = LABEL.exec(labels);
    if (match === null) throw wrong('labels');
    found.push(`${match[1] ?? ''}="${match[2] ?? ''}"`);
    LABEL.lastIndex = at + match[0].length;
  }
  const names = found.map((label) => label.slice(0, label.indexOf('=')));
  if (new Set(names).size !== names.length) throw wrong('a label twice');
  return found.sort();
}

function checkHistogram(name: string, samples: ReadonlyMap<string, number>): void {
  const series = new Map<string, { bound: number; count: number }[]>();
  for (const [key, count] of samples) {
    if (!key.startsWith(`${name}_bucket`)) continue;
    const bound = /le="([^"]*)"/.exec(key)?.[1] ?? '';
    const rest = key
      .replace(/,?le="[^"]*"/, '')
      .replace('{,', '{')
      .replace('_bucket', '_count');
    const buckets = series.get(rest) ?? [];
    buckets.push({ bound: bound === '+Inf' ? Infinity : Number(bound), count });
    series.set(rest, buckets);
  }
  for (const [count, buckets] of series) {
    buckets.sort((one, other) => one.bound - other.bound);
    if (buckets.some((bucket, index) => bucket.count < (buckets[index - 1]?.count ?? 0)))
      throw new Error(`${count}: its buckets do not grow`);
    const last = buckets.at(-1);
    if (last?.bound !== Infinity || last.count !== samples.get(count))
      throw new Error(`${count}: +Inf is not the count`);
  }
}
