import { SUITES } from './suites.ts';

/*
 * One suite in a process of its own, so that what the compiler has learnt from one does not make another faster or
 * slower. Sends each row to its parent as it is measured.
 */
const [name = '', quick] = process.argv.slice(2);
const suite = SUITES[name];
if (suite === undefined || process.send === undefined)
  throw new Error(`started by bench.ts with the name of a suite, not ${name}`);
const send = process.send.bind(process) as (message: unknown, done: (error: Error | null) => void) => void;
for await (const row of suite({ quick: quick === '--quick' })) {
  await new Promise<void>((resolve, reject) => {
    send(row, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}
// Ends that were left open keep timers; they are of no interest any more.
process.exit(0);
