/** Memory at one moment. */
export interface MemorySample {
  readonly atMs: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
}

const [WIDTH, HEIGHT, EDGE] = [800, 300, 50];

/** RSS and heap over time as SVG. */
export function memoryPlot(samples: readonly MemorySample[]): string {
  const endMs = Math.max(1, samples.at(-1)?.atMs ?? 1);
  const top = Math.max(1, ...samples.map(({ rssBytes }) => rssBytes)) * 1.1;
  const x = (ms: number): number => EDGE + (ms / endMs) * (WIDTH - 2 * EDGE);
  const y = (bytes: number): number => HEIGHT - EDGE - (bytes / top) * (HEIGHT - 2 * EDGE);
  const line = (colour: string, of: (sample: MemorySample) => number): string => {
    const points = samples.map((sample) => `${x(sample.atMs).toFixed(1)},${y(of(sample)).toFixed(1)}`).join(' ');
    return `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${points}"/>`;
  };
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<path d="M${EDGE} ${EDGE}V${HEIGHT - EDGE}H${WIDTH - EDGE}" fill="none" stroke="#888"/>
<text x="4" y="${EDGE}">${(top / 1e6).toFixed(0)} MB</text>
<text x="${WIDTH - EDGE}" y="${HEIGHT - EDGE + 16}" text-anchor="end">${(endMs / 60_000).toFixed(1)} min</text>
<text x="${EDGE + 8}" y="20" fill="#1f6feb">RSS</text><text x="${EDGE + 48}" y="20" fill="#1a7f37">heap</text>
${line('#1f6feb', ({ rssBytes }) => rssBytes)}
${line('#1a7f37', ({ heapBytes }) => heapBytes)}
</svg>
`;
}

/** Octets a minute by which a figure grows, by least squares; 0 for less than two samples. */
export function growthPerMinute(samples: readonly MemorySample[], of: (sample: MemorySample) => number): number {
  const count = samples.length;
  if (count < 2) return 0;
  const meanX = samples.reduce((sum, { atMs }) => sum + atMs, 0) / count;
  const meanY = samples.reduce((sum, sample) => sum + of(sample), 0) / count;
  let [over, under] = [0, 0];
  for (const sample of samples) {
    over += (sample.atMs - meanX) * (of(sample) - meanY);
    under += (sample.atMs - meanX) ** 2;
  }
  return under === 0 ? 0 : (over / under) * 60_000;
}
