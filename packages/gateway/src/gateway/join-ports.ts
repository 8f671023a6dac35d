import type { Port } from '@cellmux/port';

/**
 * Joins two ports: what one receives is sent on the other, both ways, with back-pressure. When either ends, the other is
 * closed. Resolves when both are closed.
 */
export async function joinPorts(a: Port, b: Port): Promise<void> {
  await Promise.all([pump(a, b), pump(b, a)]);
  await Promise.all([a.close(), b.close()]);
}

/** Resolves when `from` has ended and what came from it has left. */
function pump(from: Port, to: Port): Promise<void> {
  return new Promise((resolve) => {
    let sending = 0;
    let last = Promise.resolve();
    const ended = (): void => {
      void last.finally(() => to.close().then(resolve, resolve));
    };
    from.received$.subscribe({
      next: (chunk) => {
        sending++;
        // One chunk may be under way; from the second on the far side waits.
        if (sending === 2) from.pause();
        last = to.send(chunk).then(
          () => {
            sending--;
            if (sending === 1) from.resume();
          },
          () => {
            // `to` is closed: `from` follows, and what it still brings has nowhere to go.
            void from.close();
          },
        );
      },
      error: ended,
      complete: ended,
    });
  });
}
