import type { Port } from '@cellmux/port';

/** Joins two ports until the function that it gives is called; both stay open. */
export function pump(a: Port, b: Port): () => void {
  const stops = [oneWay(a, b), oneWay(b, a)];
  return () => {
    for (const stop of stops) stop();
  };
}

function oneWay(from: Port, to: Port): () => void {
  let waiting = 0;
  const subscription = from.received$.subscribe({
    next: (chunk) => {
      waiting++;
      if (waiting === 2) from.pause();
      const taken = (): void => {
        waiting--;
        if (waiting === 1) from.resume();
      };
      to.send(chunk).then(taken, taken);
    },
    error: () => undefined,
  });
  return () => {
    subscription.unsubscribe();
  };
}
