/**
 * The result of a promise, or the signal's reason where that aborts first; `onAbort` is called then, and what becomes of the
 * promise is no longer looked at.
 */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal, onAbort: () => void): Promise<T> {
  if (!signal.aborted) {
    let stop = (): void => undefined;
    const aborted = new Promise<void>((resolve) => {
      stop = resolve;
      signal.addEventListener('abort', stop, { once: true });
    });
    try {
      await Promise.race([promise, aborted]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
    if (!signal.aborted) return promise;
  }
  onAbort();
  throw signal.reason;
}
