import { AtClient } from '@cellmux/at';
import { HE863, Multiplexer, startMultiplexer, type DlcPort } from '@cellmux/cmux';
import { VirtualHe863 } from '@cellmux/he863';
import { faultyLine, latin1, type Clock } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { dialPpp, PppLink, StandingPppCall, type DialPppOptions, type PppCall, type PppEnd } from '@cellmux/ppp';
import { describe, expect, it, onTestFinished } from 'vitest';

const APN = { apn: 'internet' };

/** A virtual module, a line, our multiplexer and AT clients on ports 1 and 2, in virtual time. */
async function stack() {
  const clock = new VirtualClock();
  const module = new VirtualHe863({ clock, machineNames: false });
  onTestFinished(() => module.close());
  const line = faultyLine({ clock, baudRate: 921_600 });
  module.serve(line.dce);
  const multiplexer = await clock.run(startMultiplexer(line.dte, { profile: HE863, clock }));
  const [one, two] = [await clock.run(multiplexer.open(1)), await clock.run(multiplexer.open(2))];
  const [at, beside] = [new AtClient(one, { clock }), new AtClient(two, { clock })];
  const dial = (options: DialPppOptions = {}): Promise<PppCall> => dialPpp(at, { ...APN, clock, ...options });
  return { clock, module, line, multiplexer, at, beside, dial, port: one };
}

type Stack = Awaited<ReturnType<typeof stack>>;

describe('a call on DLCI 1 of the multiplexer', () => {
  it('is ended in order, and AT works on its port again, also a second time', async () => {
    const { clock, at, dial } = await stack();
    for (let round = 0; round < 2; round++) {
      const call = await clock.run(dial());
      expect(call.network).toMatchObject({ localAddress: '10.64.0.1', peerAddress: '10.64.64.64' });
      const before = clock.now();
      await clock.run(call.close());
      expect(await call.ended).toMatchObject({ reason: 'closedHere' });
      // NO CARRIER was heard, and not waited for in vain.
      expect(clock.now() - before).toBeLessThan(4000);
      expect((await clock.run(at.command('AT+CSQ'))).lines).toEqual(['+CSQ: 21,0']);
    }
  });

  it.each<[string, (stack: Stack) => unknown, Partial<PppEnd>]>([
    ['the carrier', ({ module }) => module.faults.inject({ kind: 'carrier', port: 1 }), { text: 'NO CARRIER' }],
    ['its context', ({ module }) => module.faults.inject({ kind: 'context', cid: 1 }), { text: 'NO CARRIER' }],
    [
      'the line',
      ({ line }) => {
        line.fail(new Error('unplugged'));
      },
      {},
    ],
    ['the multiplexer', ({ multiplexer, clock }) => clock.run(multiplexer.close()), {}],
    ['its port', ({ port, clock }) => clock.run(port.close()), {}],
  ])('is lost with %s, and says so with advice', async (_what, lose, end) => {
    const made = await stack();
    const call = await made.clock.run(made.dial());
    await lose(made);
    const ended = await made.clock.run(call.ended);
    expect(ended).toMatchObject({ reason: 'carrierLost', phase: 'running', isWorthRetrying: true, ...end });
    expect(ended.advice).not.toBe('');
    await expect(call.send(new Uint8Array(20).fill(0x45))).rejects.toMatchObject({ code: 'ERR_PPP_CARRIER_LOST' });
  });

  it.each([
    [
      'when the line is cut without a word',
      ({ line }: Stack) => {
        line.cut();
      },
    ],
    [
      'when the module falls silent',
      ({ module }: Stack) => module.faults.inject({ kind: 'silence', port: 1, forMs: 600_000 }),
    ],
    ['when the module is reset', ({ module }: Stack) => module.faults.inject({ kind: 'reset' })],
  ])('is given up %s, where a keep-alive was asked for', async (_when, silence) => {
    const made = await stack();
    const call = await made.clock.run(made.dial({ keepAlive: { intervalMs: 10_000, failures: 3 } }));
    await made.clock.advance(60_000);
    expect(call.link.phase).toBe('running');
    silence(made);
    const before = made.clock.now();
    const ended = await made.clock.run(call.ended);
    expect(ended).toMatchObject({
      reason: expect.stringMatching(/^(silence|carrierLost|loopback)$/),
      isWorthRetrying: true,
    });
    expect(made.clock.now() - before).toBeLessThan(90_000);
  });

  it('is dialled again after a loss, by whoever stands by it', async () => {
    const { clock, module, dial } = await stack();
    const standing = new StandingPppCall(({ signal }) => dial({ signal }), { clock, random: () => 1 });
    const ups: number[] = [];
    standing.events$.subscribe(({ type }) => {
      if (type === 'up') ups.push(clock.now());
    });
    for (const kind of ['carrier', 'context'] as const) {
      await clock.advance(90_000);
      module.faults.inject(kind === 'carrier' ? { kind, port: 1 } : { kind, cid: 1 });
    }
    await clock.advance(90_000);
    expect(ups).toHaveLength(3);
    expect(standing.call?.link.phase).toBe('running');
    await clock.run(standing.close());
  });

  it("is refused while the module's own sockets have the context, unless it is taken from them", async () => {
    const { clock, beside, dial } = await stack();
    await clock.run(beside.command('AT+CGDCONT=1,"IP","internet"'));
    await clock.run(beside.command('AT#SCFG=1,1,300,90,600,50'));
    await clock.run(beside.command('AT#SGACT=1,1'));
    await expect(clock.run(dial())).rejects.toMatchObject({ code: 'ERR_PPP_CONTEXT_IN_USE' });
    const call = await clock.run(dial({ takeContext: true }));
    expect((await clock.run(beside.command('AT#SGACT?'))).lines).toContain('#SGACT: 1,0');
    await clock.run(call.close());
  });

  it('says what the module said when it does not dial', async () => {
    const { clock, dial } = await stack();
    await expect(clock.run(dial({ cid: 2 }))).rejects.toMatchObject({
      code: 'ERR_PPP_DIAL_FAILED',
      context: { cid: 2 },
    });
  });
});

/** The far end by hand: a responder, and on its DLCI 1 whatever the test plays. */
async function byHand(clock: VirtualClock) {
  const line = faultyLine({ clock, baudRate: 921_600 });
  const [host, module] = [
    new Multiplexer(line.dte, { clock }),
    new Multiplexer(line.dce, { clock, role: 'responder' }),
  ];
  const far = new Promise<DlcPort>((resolve) => module.incoming$.subscribe(resolve));
  await clock.run(Promise.all([host.start(), module.start()]));
  const near = await clock.run(host.open(1));
  return { near, far: await far };
}

/** Answers AT until it dials, then is the network with a PPP server that ends with `stop`. */
function playModule(far: DlcPort, clock: Clock): { readonly server: Promise<PppLink>; stop(): void } {
  let text = '';
  let stop = (): void => undefined;
  const server = new Promise<PppLink>((resolve) => {
    const subscription = far.received$.subscribe({
      next: (chunk) => {
        text += String.fromCharCode(...chunk);
        if (!text.endsWith('\r')) return;
        const isDialled = text.includes('ATD');
        text = '';
        if (!isDialled) {
          void far.send(latin1('\r\nOK\r\n'));
          return;
        }
        subscription.unsubscribe();
        // The first request is on its way before CONNECT has been read: both arrive in one go.
        void far.send(latin1('\r\nCONNECT 115200\r\n'));
        const link = new PppLink(far, { role: 'server', peerAddress: '10.0.0.2', clock, watchCarrier: false });
        stop = () => void link.close({ signal: AbortSignal.abort() });
        void link.open();
        resolve(link);
      },
      error: () => undefined,
    });
  });
  return {
    server,
    stop: () => {
      stop();
    },
  };
}

describe('a call that its far end ends', () => {
  it.each([
    ['by DISC', (far: DlcPort) => far.close(), {}],
    ['by DV and DCD off', (far: DlcPort) => far.setCircuits({ dcd: false }), { text: 'DCD dropped' }],
  ])('%s is lost at once', async (_how, end, expected) => {
    const clock = new VirtualClock();
    const { near, far } = await byHand(clock);
    await clock.run(far.setCircuits({ dcd: true, dsr: true, cts: true }));
    const module = playModule(far, clock);
    const call = await clock.run(dialPpp(new AtClient(near, { clock }), { clock, checkContext: false }));
    const before = clock.now();
    module.stop();
    await clock.run(end(far));
    expect(await clock.run(call.link.ended)).toMatchObject({ reason: 'carrierLost', ...expected });
    expect(clock.now() - before).toBeLessThan(1000);
    await clock.run(call.ended);
  });
});
