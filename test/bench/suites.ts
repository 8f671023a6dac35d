import { benchAt } from '../../packages/at/bench/bench-at.ts';
import { benchCmux } from '../../packages/cmux/bench/bench-cmux.ts';
import { BARE_LINE, benchIpEasy } from '../../packages/ipeasy/bench/bench-ip-easy.ts';
import type { BenchSuite } from '../../packages/port/bench/index.ts';
import { benchPpp } from '../../packages/ppp/bench/bench-ppp.ts';
import { OVER_CMUX } from './ip-easy-over-cmux.ts';
import { benchManyLines } from './many-lines.ts';
import { benchOthers } from './other-implementations.ts';
import { benchStack } from './whole-path.ts';

/** What `pnpm bench` measures, by package: each runs in a process of its own. `stack` is all layers together,
 * `lines` many gateways in one process. */
export const SUITES: Readonly<Record<string, BenchSuite>> = {
  cmux: benchCmux,
  at: async function* (options) {
    yield* benchAt(options);
    yield* benchOthers('at', options);
  },
  ppp: async function* (options) {
    yield* benchPpp(options);
    yield* benchOthers('ppp', options);
  },
  ipeasy: async function* ({ quick }) {
    const baudRates = quick ? [460_800] : undefined;
    yield* benchIpEasy(BARE_LINE, baudRates);
    yield* benchIpEasy(OVER_CMUX, baudRates);
  },
  stack: benchStack,
  lines: benchManyLines,
};
