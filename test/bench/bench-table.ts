import Table from 'cli-table3';
import picocolors from 'picocolors';
import { isMet, type BenchRow, type BenchSkip, type Target } from '../../packages/port/bench/index.ts';

/** Four figures: what is behind them is noise. */
export function formatValue(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= 1000)
    return Math.round(value)
      .toString()
      .replace(/\B(?=(\d{3})+$)/g, ' ');
  return value.toFixed(magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 2);
}

/** `12.3 ×`. */
export function formatRatio(ratio: number | null): string {
  return ratio === null ? '' : `${formatValue(ratio)} ×`;
}

/** What is asked, in words. */
export function formatTarget({ of, atLeast, atMost }: Target): string {
  const times = of === 'ratio' ? ' ×' : '';
  const parts = [
    ...(atLeast === undefined ? [] : [`≥ ${formatBound(atLeast)}${times}`]),
    ...(atMost === undefined ? [] : [`≤ ${formatBound(atMost)}${times}`]),
  ];
  return parts.join(', ');
}

function formatBound(value: number): string {
  return Number.isInteger(value) && value >= 1000 ? formatValue(value) : value.toString();
}

/** The rows of one package as a table for a terminal. */
export function benchTable(figures: readonly (BenchRow | BenchSkip)[], useColours: boolean): string {
  const colours = picocolors.createColors(useColours);
  const table = new Table({
    head: ['figure', 'value', 'ratio', 'target', ''],
    colAligns: ['left', 'right', 'right', 'right', 'left'],
    style: useColours ? { compact: true } : { compact: true, head: [], border: [] },
  });
  for (const figure of figures) {
    if ('skipped' in figure) {
      table.push([figure.name, { colSpan: 4, content: colours.yellow(`not measured: ${figure.skipped}`) }]);
      continue;
    }
    const { name, against, value, unit, ratio, target } = figure;
    const met = isMet(figure);
    table.push([
      against === '' ? name : `${name}\n${colours.dim(`  against ${against}`)}`,
      `${formatValue(value)} ${unit}`,
      formatRatio(ratio),
      target === undefined ? '' : formatTarget(target),
      met === undefined ? '' : met ? colours.green('met') : colours.red('MISSED'),
    ]);
  }
  return table.toString();
}
