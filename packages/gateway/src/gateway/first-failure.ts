/**
 * Runs all of them at the same time. The first that fails aborts the signal that the others were given; when all have
 * ended, its error is thrown. So nothing goes on in the background, and nobody waits for what is in vain.
 */
export async function allOrFirstFailure(
  signal: AbortSignal,
  tasks: readonly ((signal: AbortSignal) => Promise<unknown>)[],
): Promise<void> {
  const failing = new AbortController();
  const either = AbortSignal.any([signal, failing.signal]);
  const failures: unknown[] = [];
  await Promise.all(
    tasks.map(async (task) => {
      try {
        await task(either);
      } catch (error) {
        failures.push(error);
        failing.abort(error);
      }
    }),
  );
  if (failures.length > 0) throw failures[0];
}
