/**
 * How many octets some work looks at, writes or copies: what it takes without a clock, so that a busy machine changes
 * nothing. While it runs, `Uint8Array` and `DataView` are replaced by counting ones: what is made meanwhile counts, tables
 * made before do not. The work must not be asynchronous.
 */
export function countOctets(work: () => void): number {
  const Plain = Uint8Array;
  const PlainView = DataView;
  let octets = 0;
  const copying: Record<string, (array: Uint8Array, result: unknown, args: readonly unknown[]) => number> = {
    indexOf: (array, result, [, from]) =>
      ((result as number) < 0 ? array.length : (result as number)) - Number(from ?? 0),
    set: (_array, _result, [source]) => (source as Uint8Array).length,
    slice: (_array, result) => (result as Uint8Array).length,
    copyWithin: (array, _result, [, start, end]) => Number(end ?? array.length) - Number(start),
    fill: (array, _result, [, start, end]) => Number(end ?? array.length) - Number(start ?? 0),
  };

  const counted = (octetArray: Uint8Array): Uint8Array =>
    new Proxy(octetArray, {
      get: (array, name) => {
        if (typeof name === 'string' && name.charCodeAt(0) < 0x3a) {
          octets++;
          return array[Number(name)];
        }
        const value = Reflect.get(array, name, array) as unknown;
        if (typeof value !== 'function' || name === 'constructor') return value;
        return (...args: unknown[]): unknown => {
          const result = Reflect.apply(value, array, args) as unknown;
          octets += 1 + Math.max(0, copying[String(name)]?.(array, result, args) ?? 0);
          return result instanceof Plain ? counted(result) : result;
        };
      },
      set: (array, name, value) => {
        octets++;
        array[Number(name)] = value as number;
        return true;
      },
    });

  // A proxy is no typed array: what makes new ones of an array, as subarray() does, must begin from a plain one.
  const CountedArray = function (...args: unknown[]): Uint8Array {
    return counted(Reflect.construct(Plain, args) as Uint8Array);
  };

  const CountedView = function (...args: unknown[]): DataView {
    return new Proxy(Reflect.construct(PlainView, args) as DataView, {
      get: (view, name) => {
        const value = Reflect.get(view, name, view) as unknown;
        if (typeof value !== 'function') return value;
        // getInt32, setFloat64, …
        const width = Number(/\d+$/.exec(String(name))?.[0] ?? 0) / 8;
        return (...given: unknown[]): unknown => {
          octets += width;
          return Reflect.apply(value, view, given) as unknown;
        };
      },
    });
  };

  Object.assign(CountedArray, { from: Plain.from.bind(Plain), of: Plain.of.bind(Plain) });
  Object.assign(globalThis, { Uint8Array: CountedArray, DataView: CountedView });
  try {
    work();
  } finally {
    Object.assign(globalThis, { Uint8Array: Plain, DataView: PlainView });
  }
  return octets;
}

/** The exponent e of work ~ length^e, by least squares over four lengths from `shortest` on that double. */
export function fitExponent(workOf: (length: number) => number, shortest = 4000): number {
  const points = [1, 2, 4, 8].map((factor) => {
    const length = factor * shortest;
    return [Math.log(length), Math.log(workOf(length))] as const;
  });
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const above = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return above / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}
