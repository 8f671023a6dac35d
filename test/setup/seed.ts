/** Chooses the seed of every property test of this run and prints it; `FC_SEED=n` plays a run again. */
export default function chooseSeed(): void {
  process.env['FC_SEED'] ??= String(Math.floor(Math.random() * 0x7fffffff));
  process.stdout.write(`fast-check seed ${process.env['FC_SEED']} (FC_SEED=… repeats this run)\n`);
}
