import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backOffMs } from './back-off.ts';
import { CAUSES, concernsLink, SERVICES, STEPS, strengthOf, type Cause, type Patient, type Step } from './cause.ts';
import { DEFAULT_ATTEMPTS, Supervisor, type SupervisorEffect, type SupervisorOptions } from './supervisor.ts';

const OPTIONS: SupervisorOptions = {
  firstPauseMs: 1000,
  longestPauseMs: 60_000,
  stableMs: 60_000,
  giveUpAfterMs: Infinity,
  attempts: DEFAULT_ATTEMPTS,
  random: () => 1,
};

type RunEffect = Extract<SupervisorEffect, { type: 'run' }>;
const runsOf = (effects: readonly SupervisorEffect[]): RunEffect[] =>
  effects.filter(({ type }) => type === 'run') as RunEffect[];

/** Lets every attempt fail (or succeed, where `helps` says so) until nothing is due any more, and gives what was tried. */
function play(
  supervisor: Supervisor,
  first: readonly SupervisorEffect[],
  startMs: number,
  helps: (run: RunEffect, count: number) => boolean,
  causeOf: (run: RunEffect) => Cause,
  limit = 20,
): { readonly steps: string[]; readonly effects: SupervisorEffect[]; readonly nowMs: number } {
  const steps: string[] = [];
  const effects = [...first];
  const queue = runsOf(first);
  let nowMs = startMs;
  while (steps.length < limit) {
    const run = queue.shift();
    if (run === undefined) {
      const next = supervisor.nextDeadlineMs;
      if (next === undefined) break;
      nowMs = Math.max(nowMs, next);
      const more = supervisor.handle({ type: 'time' }, nowMs);
      effects.push(...more);
      queue.push(...runsOf(more));
      continue;
    }
    steps.push(`${run.patient} ${run.step}`);
    const more = supervisor.handle(
      helps(run, steps.length)
        ? { type: 'stepDone', run: run.run }
        : { type: 'stepFailed', run: run.run, cause: causeOf(run) },
      nowMs,
    );
    effects.push(...more);
    queue.push(...runsOf(more));
  }
  return { steps, effects, nowMs };
}

describe('Supervisor', () => {
  it('takes the mildest step first, at once, and stops at the first that helps', () => {
    const supervisor = new Supervisor(OPTIONS);
    const first = supervisor.handle({ type: 'broken', patient: 'ppp', cause: 'callDropped' }, 5000);
    const { steps, effects } = play(
      supervisor,
      first,
      5000,
      (_, count) => count === 2,
      () => 'dialFailed',
    );
    expect(steps).toEqual(['ppp redial', 'ppp redial']);
    expect(effects.at(-1)).toMatchObject({
      type: 'outageEnded',
      durationMs: 1000,
      outage: { cause: 'callDropped', services: ['ppp'], steps: [{ ok: false }, { ok: true }] },
    });
    expect(supervisor.works('ppp')).toBe(true);
    expect(supervisor.nextDeadlineMs).toBeUndefined();
  });

  it('escalates redial, reopen DLC, restart multiplexer, reset module, each as often as the table says', () => {
    const supervisor = new Supervisor(OPTIONS);
    const first = supervisor.handle({ type: 'broken', patient: 'ppp', cause: 'callDropped' }, 0);
    const ofLink = (run: RunEffect): boolean => run.patient === 'link' || run.patient !== 'ppp';
    const { steps } = play(supervisor, first, 0, ofLink, () => 'dialFailed', 16);
    expect(steps.filter((step) => !/^(sockets|at) /.test(step))).toEqual([
      ...Array<string>(3).fill('ppp redial'),
      ...Array<string>(2).fill('ppp reopenDlc'),
      'link restartMultiplexer',
      'ppp redial',
      'link restartMultiplexer',
      'ppp redial',
      'link resetModule',
      'ppp redial',
    ]);
  });

  it('never takes down for one service what works and is in use', () => {
    const supervisor = new Supervisor(OPTIONS);
    supervisor.handle({ type: 'inUse', service: 'sockets', inUse: true }, 0);
    const first = supervisor.handle({ type: 'broken', patient: 'ppp', cause: 'callDropped' }, 0);
    const { steps, nowMs } = play(
      supervisor,
      first,
      0,
      () => false,
      () => 'dialFailed',
      40,
    );
    expect(steps.some((step) => step.startsWith('link'))).toBe(false);
    expect(supervisor.works('sockets')).toBe(true);
    // Freed, the next failure takes the stronger step.
    supervisor.handle({ type: 'inUse', service: 'sockets', inUse: false }, nowMs);
    const then = play(
      supervisor,
      [],
      nowMs,
      ({ patient }) => patient !== 'ppp',
      () => 'dialFailed',
      4,
    );
    expect(then.steps).toContain('link restartMultiplexer');
  });

  it('waits, and no more, for what only the network or a person can change', () => {
    for (const cause of ['registrationLost', 'accessRefused'] as const) {
      const supervisor = new Supervisor(OPTIONS);
      const first = supervisor.handle({ type: 'broken', patient: 'ppp', cause: 'callDropped' }, 0);
      const { steps, nowMs } = play(
        supervisor,
        first,
        0,
        () => false,
        () => cause,
        12,
      );
      expect(steps).toEqual(Array(12).fill('ppp redial'));
      expect(nowMs).toBe(11 * (CAUSES[cause].pause as number));
    }
  });

  it('makes an attempt at once when what is waited for may be there, but not with a password that was refused', () => {
    for (const [cause, runs] of [
      ['registrationLost', 1],
      ['accessRefused', 0],
    ] as const) {
      const supervisor = new Supervisor(OPTIONS);
      const [run] = runsOf(supervisor.handle({ type: 'broken', patient: 'sockets', cause: 'contextLost' }, 0));
      supervisor.handle({ type: 'stepFailed', run: run?.run ?? 0, cause }, 100);
      expect(runsOf(supervisor.handle({ type: 'hopeful' }, 200))).toHaveLength(runs);
    }
  });

  it('holds all services while the link is down, sets them up when it is back, and tells one outage', () => {
    const supervisor = new Supervisor(OPTIONS);
    const first = supervisor.handle({ type: 'broken', patient: 'link', cause: 'lineLost' }, 0);
    expect(runsOf(first).map(({ step, patient }) => [patient, step])).toEqual([['link', 'reopenLine']]);
    const { steps, effects } = play(
      supervisor,
      first,
      0,
      (_, count) => count >= 4,
      () => 'lineLost',
    );
    expect(steps.slice(0, 4)).toEqual(Array(4).fill('link reopenLine'));
    expect(steps.slice(4).sort()).toEqual(['at redial', 'ppp redial', 'sockets redial']);
    const ended = effects.filter(({ type }) => type === 'outageEnded');
    expect(ended).toHaveLength(1);
    expect(ended[0]).toMatchObject({ outage: { cause: 'lineLost', services: ['ppp', 'sockets', 'at'] } });
  });

  it('counts trouble of services just before the link breaks as part of it', () => {
    const supervisor = new Supervisor(OPTIONS);
    const effects = [
      ...supervisor.handle({ type: 'broken', patient: 'ppp', cause: 'callSilent' }, 1000),
      ...supervisor.handle({ type: 'broken', patient: 'link', cause: 'moduleRestarted' }, 3000),
    ];
    expect(effects).toContainEqual({ type: 'cancel', run: expect.any(Number) });
    const link = runsOf(effects).slice(-1);
    const played = play(
      supervisor,
      link,
      3000,
      () => true,
      () => 'unknown',
    );
    expect(played.effects.filter(({ type }) => type === 'outageEnded')).toEqual([
      expect.objectContaining({ durationMs: 2000, outage: expect.objectContaining({ cause: 'moduleRestarted' }) }),
    ]);
  });

  it('takes the line first when it goes while the multiplexer is being restarted', () => {
    const supervisor = new Supervisor(OPTIONS);
    const [restart] = runsOf(supervisor.handle({ type: 'broken', patient: 'link', cause: 'multiplexerStuck' }, 0));
    expect(restart?.step).toBe('restartMultiplexer');
    const effects = supervisor.handle({ type: 'broken', patient: 'link', cause: 'lineLost' }, 10);
    expect(effects).toContainEqual({ type: 'cancel', run: restart?.run });
    expect(runsOf(effects).map(({ step }) => step)).toEqual(['reopenLine']);
    // What the cancelled run says afterwards is of no interest.
    expect(supervisor.handle({ type: 'stepDone', run: restart?.run ?? 0 }, 20)).toEqual([]);
  });

  it('escalates for what comes up and does not stay', () => {
    const supervisor = new Supervisor(OPTIONS);
    const steps: Step[] = [];
    let nowMs = 0;
    for (let turn = 0; turn < 6; turn++) {
      let [run] = runsOf(supervisor.handle({ type: 'broken', patient: 'ppp', cause: 'callDropped' }, nowMs));
      while (run === undefined) {
        nowMs = supervisor.nextDeadlineMs ?? NaN;
        [run] = runsOf(supervisor.handle({ type: 'time' }, nowMs));
      }
      steps.push(run.step);
      supervisor.handle({ type: 'inUse', service: 'sockets', inUse: true }, nowMs);
      supervisor.handle({ type: 'stepDone', run: run.run }, nowMs);
      nowMs += 2000;
    }
    expect(steps).toEqual(['redial', 'redial', 'redial', 'reopenDlc', 'reopenDlc', 'reopenDlc']);
    // Stable for long enough, it begins anew.
    nowMs += OPTIONS.stableMs;
    const [run] = runsOf(supervisor.handle({ type: 'broken', patient: 'ppp', cause: 'callDropped' }, nowMs));
    expect(run?.step).toBe('redial');
  });

  it('gives up when it is told to, once, and does nothing more', () => {
    const supervisor = new Supervisor({ ...OPTIONS, giveUpAfterMs: 30_000 });
    const first = supervisor.handle({ type: 'broken', patient: 'ppp', cause: 'callDropped' }, 0);
    const { effects } = play(
      supervisor,
      first,
      0,
      () => false,
      () => 'dialFailed',
      50,
    );
    expect(effects.filter(({ type }) => type === 'gaveUp')).toHaveLength(1);
    expect(supervisor.nextDeadlineMs).toBeUndefined();
    expect(supervisor.handle({ type: 'broken', patient: 'at', cause: 'portStuck' }, 1e6)).toEqual([]);
  });

  it('gives up what it runs, too', () => {
    const supervisor = new Supervisor({ ...OPTIONS, giveUpAfterMs: 30_000 });
    const [run] = runsOf(supervisor.handle({ type: 'broken', patient: 'ppp', cause: 'callDropped' }, 0));
    const effects = supervisor.handle({ type: 'time' }, 30_000);
    expect(effects.map(({ type }) => type)).toEqual(['cancel', 'gaveUp']);
    expect(effects[0]).toEqual({ type: 'cancel', run: run?.run });
  });

  it('takes to the link what a service finds out about it', () => {
    const supervisor = new Supervisor(OPTIONS);
    const [redial] = runsOf(supervisor.handle({ type: 'broken', patient: 'ppp', cause: 'callDropped' }, 0));
    const effects = supervisor.handle({ type: 'stepFailed', run: redial?.run ?? 0, cause: 'multiplexerStuck' }, 100);
    expect(runsOf(effects).map(({ patient, step }) => [patient, step])).toEqual([['link', 'restartMultiplexer']]);
    expect(SERVICES.map((service) => supervisor.works(service))).toEqual([false, false, false]);
    expect(supervisor.outages).toMatchObject([{ cause: 'multiplexerStuck', services: ['ppp', 'sockets', 'at'] }]);
  });

  it('makes one outage of services that turn out to suffer from the same', () => {
    const supervisor = new Supervisor(OPTIONS);
    const [ppp] = runsOf(supervisor.handle({ type: 'broken', patient: 'ppp', cause: 'callDropped' }, 0));
    const [sockets] = runsOf(supervisor.handle({ type: 'broken', patient: 'sockets', cause: 'contextLost' }, 10));
    expect(supervisor.outages).toHaveLength(2);
    for (const run of [ppp, sockets]) {
      supervisor.handle({ type: 'stepFailed', run: run?.run ?? 0, cause: 'registrationLost' }, 100);
    }
    expect(supervisor.outages).toMatchObject([{ cause: 'registrationLost', services: ['ppp', 'sockets'], sinceMs: 0 }]);
    const { effects } = play(
      supervisor,
      [],
      100,
      () => true,
      () => 'unknown',
    );
    expect(effects.filter(({ type }) => type === 'outageEnded')).toHaveLength(1);
  });

  it('starts the multiplexer on a line that is open again before anything is reset', () => {
    const supervisor = new Supervisor(OPTIONS);
    const [reopen] = runsOf(supervisor.handle({ type: 'broken', patient: 'link', cause: 'lineLost' }, 0));
    supervisor.handle({ type: 'stepFailed', run: reopen?.run ?? 0, cause: 'lineSilent' }, 10);
    expect(supervisor.stepOf('link')).toBe('restartMultiplexer');
  });

  it('keeps to its own port when others have come into use since the multiplexer was restarted for it', () => {
    const supervisor = new Supervisor(OPTIONS);
    let effects = supervisor.handle({ type: 'broken', patient: 'ppp', cause: 'callDropped' }, 0);
    let nowMs = 0;
    const runs = (): RunEffect[] => {
      while (runsOf(effects).length === 0) {
        nowMs = supervisor.nextDeadlineMs ?? NaN;
        effects = supervisor.handle({ type: 'time' }, nowMs);
      }
      return runsOf(effects);
    };
    for (let failures = 0; failures < 5; failures++) {
      const [run] = runs();
      effects = supervisor.handle({ type: 'stepFailed', run: run?.run ?? 0, cause: 'dialFailed' }, nowMs);
    }
    const [restart] = runs();
    expect(restart).toMatchObject({ patient: 'link', step: 'restartMultiplexer' });
    const anew = runsOf(supervisor.handle({ type: 'stepDone', run: restart?.run ?? 0 }, nowMs));
    for (const { run, patient } of anew) {
      if (patient !== 'ppp') supervisor.handle({ type: 'stepDone', run }, nowMs);
    }
    supervisor.handle({ type: 'inUse', service: 'sockets', inUse: true }, nowMs);
    const dial = anew.find(({ patient }) => patient === 'ppp');
    effects = supervisor.handle({ type: 'stepFailed', run: dial?.run ?? 0, cause: 'dialFailed' }, nowMs);
    expect(runs()).toMatchObject([{ patient: 'ppp', step: 'reopenDlc' }]);
    expect(supervisor.works('sockets')).toBe(true);
  });

  it('goes on with the pauses of the service when the link is taken for its sake', () => {
    const supervisor = new Supervisor(OPTIONS);
    const first = supervisor.handle({ type: 'broken', patient: 'ppp', cause: 'callDropped' }, 0);
    const { steps, nowMs } = play(
      supervisor,
      first,
      0,
      () => false,
      ({ patient }) => (patient === 'link' ? 'multiplexerStuck' : 'dialFailed'),
      6,
    );
    expect(steps.at(-1)).toBe('link restartMultiplexer');
    expect((supervisor.nextDeadlineMs ?? 0) - nowMs).toBe(
      backOffMs(6, { firstMs: 1000, longestMs: 60_000, random: () => 1 }),
    );
  });

  it('remembers the first step of an outage and the latest, not all that there were', () => {
    const supervisor = new Supervisor(OPTIONS);
    const first = supervisor.handle({ type: 'broken', patient: 'ppp', cause: 'registrationLost' }, 0);
    play(
      supervisor,
      first,
      0,
      () => false,
      () => 'registrationLost',
      400,
    );
    expect(supervisor.outages[0]?.steps.length).toBe(100);
  });

  it('every cause begins with a step that it allows', () => {
    for (const row of Object.values(CAUSES)) expect(strengthOf(row.first)).toBeLessThanOrEqual(strengthOf(row.last));
    expect(STEPS.filter(concernsLink)).toEqual(['restartMultiplexer', 'resetModule', 'reopenLine']);
  });
});

const patients = fc.constantFrom<Patient>('link', ...SERVICES);
const causes = fc.constantFrom(...(Object.keys(CAUSES) as Cause[]));
const happening = fc.oneof(
  fc.record({ type: fc.constant('broken' as const), patient: patients, cause: causes }),
  fc.record({ type: fc.constant('settle' as const), which: fc.nat(3), ok: fc.boolean(), cause: causes }),
  fc.record({ type: fc.constant('wait' as const), ms: fc.nat(200_000) }),
  fc.record({ type: fc.constant('inUse' as const), service: fc.constantFrom(...SERVICES), inUse: fc.boolean() }),
  fc.constant({ type: 'hopeful' as const }),
);

describe('whatever happens', () => {
  it('one repair at a time for each, none for services without a link, always something to come, outages end once', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), fc.integer(), (happenings, seed) => {
        let state = seed >>> 0;
        const random = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
        const supervisor = new Supervisor({ ...OPTIONS, random });
        let nowMs = 0;
        let running: RunEffect[] = [];
        const ended = new Set<number>();
        const inUse = new Set<Patient>();
        let linkTrouble = false;
        const take = (effects: readonly SupervisorEffect[]): void => {
          for (const effect of effects) {
            if (effect.type === 'cancel') running = running.filter(({ run }) => run !== effect.run);
            if (effect.type === 'outageEnded') {
              expect(ended.has(effect.outage.id)).toBe(false);
              expect(effect.durationMs).toBeGreaterThanOrEqual(0);
              ended.add(effect.outage.id);
            }
            if (effect.type === 'run') {
              expect(running.some(({ patient }) => patient === effect.patient)).toBe(false);
              expect(effect.patient === 'link').toBe(concernsLink(effect.step));
              running.push(effect);
            }
          }
          if (running.some(({ patient }) => patient === 'link')) expect(running).toHaveLength(1);
          const allWork = (['link', ...SERVICES] as const).every((patient) => supervisor.works(patient));
          if (allWork) expect(supervisor.outages).toEqual([]);
          else expect(running.length > 0 || supervisor.nextDeadlineMs !== undefined).toBe(true);
          const next = supervisor.nextDeadlineMs;
          if (next !== undefined) expect(next - nowMs).toBeLessThanOrEqual(300_000);
        };
        for (const happened of happenings) {
          switch (happened.type) {
            case 'broken': {
              // Whoever works and is in use stays so unless the link itself is in trouble.
              const safe = SERVICES.filter(
                (one) => inUse.has(one) && supervisor.works(one) && one !== happened.patient,
              );
              linkTrouble ||= happened.patient === 'link' || CAUSES[happened.cause].ofLink;
              take(supervisor.handle(happened, nowMs));
              if (!linkTrouble) expect(safe.every((one) => supervisor.works(one))).toBe(true);
              break;
            }
            case 'settle': {
              const run = running[happened.which % Math.max(1, running.length)];
              if (run === undefined) break;
              running = running.filter((other) => other !== run);
              if (!happened.ok && CAUSES[happened.cause].ofLink) linkTrouble = true;
              take(
                supervisor.handle(
                  happened.ok
                    ? { type: 'stepDone', run: run.run }
                    : { type: 'stepFailed', run: run.run, cause: happened.cause },
                  nowMs,
                ),
              );
              break;
            }
            case 'wait':
              nowMs += happened.ms;
              take(supervisor.handle({ type: 'time' }, nowMs));
              break;
            case 'inUse':
              if (happened.inUse) inUse.add(happened.service);
              else inUse.delete(happened.service);
              take(supervisor.handle(happened, nowMs));
              break;
            case 'hopeful':
              take(supervisor.handle(happened, nowMs));
          }
        }
        // From here on everything helps: soon all works.
        for (let turn = 0; turn < 20; turn++) {
          for (let one = running.shift(); one !== undefined; one = running.shift()) {
            take(supervisor.handle({ type: 'stepDone', run: one.run }, nowMs));
          }
          if (supervisor.nextDeadlineMs === undefined) continue;
          nowMs = Math.max(nowMs, supervisor.nextDeadlineMs);
          take(supervisor.handle({ type: 'time' }, nowMs));
        }
        expect((['link', ...SERVICES] as const).filter((patient) => !supervisor.works(patient))).toEqual([]);
        expect(supervisor.outages).toEqual([]);
      }),
    );
  });

  it('pauses double from the first to the longest, and jitter takes away at most half', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, jitter) => {
        const ms = backOffMs(failures, { firstMs: 1000, longestMs: 60_000, random: () => jitter });
        const whole = Math.min(60_000, 1000 * 2 ** (failures - 1));
        expect(ms).toBeGreaterThanOrEqual(whole / 2 - 1);
        expect(ms).toBeLessThanOrEqual(whole);
      }),
    );
  });
});
