import { AtClient, HE863_AT_PROFILE } from '@cellmux/at';
import { memoryPair } from '@cellmux/port';
import { settle, VirtualClock } from '@cellmux/port/testing';
import { IpEasy } from '../src/ip-easy.ts';
import type { IpEasyOptions } from '../src/ip-easy-options.ts';
import { ScriptedModule, type ScriptedModuleOptions } from './scripted-module.ts';

/** A library over one AT port of a scripted module, in virtual time. */
export interface Setup {
  readonly clock: VirtualClock;
  readonly module: ScriptedModule;
  readonly at: AtClient;
  readonly ipEasy: IpEasy;
  /** Breaks the line. */
  readonly fail: (error: unknown) => void;
  /** Lets time pass, in small steps, until the condition holds. */
  readonly until: (condition: () => boolean, limitMs?: number) => Promise<void>;
}

export function setUp(options: { module?: ScriptedModuleOptions; ipEasy?: IpEasyOptions } = {}): Setup {
  const clock = new VirtualClock();
  const pair = memoryPair();
  const { dte, dce } = pair;
  const module = new ScriptedModule(dce, { clock, ...options.module });
  const at = new AtClient(dte, { clock, profile: HE863_AT_PROFILE });
  const ipEasy = new IpEasy([at], { clock, ...options.ipEasy });
  return {
    clock,
    module,
    at,
    ipEasy,
    fail: (error) => {
      pair.fail(error);
    },
    until: async (condition, limitMs = 600_000) => {
      const endMs = clock.now() + limitMs;
      for (let turn = 0; turn < 3; turn++) await settle();
      while (!condition()) {
        if (clock.now() >= endMs) throw new Error(`condition does not hold after ${limitMs} ms`);
        await clock.advance(10);
      }
    },
  };
}
