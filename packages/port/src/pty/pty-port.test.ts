import { closeSync, constants, openSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { openPty } from './open-pty.ts';

/** By when DTR must be known. */
const KNOWN_MS = 100;

describe.runIf(process.platform === 'linux')('DTR of a pty', () => {
  it('is on while any program has it open, however often and fast it is opened and closed', async () => {
    const batch = fc.array(fc.constantFrom('open', 'open for reading', 'close'), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { maxLength: 6 }), async (batches) => {
        const clock = new VirtualClock();
        await using pty = await openPty({ clock });
        const open: number[] = [];
        try {
          for (const actions of batches) {
            for (const action of actions) {
              const access = action === 'open' ? constants.O_RDWR : constants.O_RDONLY;
              if (action !== 'close') open.push(openSync(pty.path, access | constants.O_NOCTTY));
              else if (open.length > 0) closeSync(open.shift() ?? 0);
            }
            await clock.advance(KNOWN_MS);
            expect(pty.circuits.dtr).toBe(open.length > 0);
          }
        } finally {
          for (const fd of open) closeSync(fd);
        }
      }),
    );
  });
});
