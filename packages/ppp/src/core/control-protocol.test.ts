import { describe, expect, it } from 'vitest';
import fsm from '../../vectors/ppp-fsm.json' with { type: 'json' };
import { AUTOMATON_EVENTS, AUTOMATON_STATES, type AutomatonEvent, type AutomatonState } from './automaton-table.ts';
import { controlPacket, option, optionOctets, type ControlOption } from './control-packet.ts';
import { ControlProtocol } from './control-protocol.ts';
import type { NegotiationLimits } from './negotiation-limits.ts';
import type { OptionNegotiator } from './option-negotiator.ts';
import { CODE } from './protocol-numbers.ts';

const LIMITS: NegotiationLimits = {
  restartMs: 3000,
  maxConfigure: 3,
  maxTerminate: 2,
  maxFailure: 5,
  maxNaksReceived: 10,
  maxRequestsReceived: 50,
  stallMs: 500,
};
const NONE = new Uint8Array(0);

/** Takes option 1, naks 2, rejects all others; asks for 1. */
class Negotiator implements OptionNegotiator {
  wanted: readonly ControlOption[] = [option(1, [7])];
  restart(): void {}
  request(): readonly ControlOption[] {
    return this.wanted;
  }
  judge(asked: ControlOption) {
    return asked.type === 1 ? 'ack' : asked.type === 2 ? { nak: option(2, [9]) } : 'reject';
  }
  granted(): void {}
  acked(): void {}
  naked() {
    return 'go' as const;
  }
  rejected() {
    return 'go' as const;
  }
}

class Harness {
  log: string[] = [];
  sent: Uint8Array[] = [];
  nowMs = 0;
  gaveUp: string | undefined;
  readonly negotiator = new Negotiator();
  readonly protocol: ControlProtocol;
  constructor(limits: Partial<NegotiationLimits> = {}) {
    this.protocol = new ControlProtocol(
      this.negotiator,
      {
        now: () => this.nowMs,
        send: (packet) => {
          this.sent.push(packet);
          const names = ['', 'scr', 'sca', 'scn', 'scn', 'str', 'sta', 'scj'];
          this.log.push(names[packet[0] as number] ?? 'other');
        },
        layerUp: () => this.log.push('tlu'),
        layerDown: () => this.log.push('tld'),
        layerFinished: () => this.log.push('tlf'),
        gaveUp: (reason) => (this.gaveUp = reason),
        otherCode: ({ code }) => code >= 8 && code <= 13,
        maximumPacketBytes: () => 1500,
      },
      { ...LIMITS, ...limits },
    );
  }
  get lastRequest(): Uint8Array {
    return this.sent.findLast((packet) => packet[0] === CODE.configureRequest) as Uint8Array;
  }
  answer(code: number, options?: readonly ControlOption[]): void {
    const request = this.lastRequest;
    const data = options === undefined ? request.subarray(4) : optionOctets(options);
    this.protocol.receive(controlPacket(code, request[1] as number, data));
  }
  request(...options: ControlOption[]): void {
    this.protocol.receive(controlPacket(CODE.configureRequest, 77, optionOctets(options)));
  }
  terminate(): void {
    this.protocol.receive(controlPacket(CODE.terminateRequest, 5, NONE));
  }
  expire(): void {
    this.nowMs = this.protocol.deadlineMs as number;
    this.protocol.timeout();
  }
}

/** A protocol that has been led into a state by events alone. */
function inState(state: AutomatonState): Harness {
  const harness = new Harness();
  const { protocol } = harness;
  const steps: Record<AutomatonState, () => void> = {
    Initial: () => undefined,
    Starting: () => {
      protocol.open();
    },
    Closed: () => {
      protocol.up();
    },
    Stopped: () => {
      reach('Req-Sent');
      for (let i = 0; i < 3; i++) harness.expire();
    },
    Closing: () => {
      reach('Req-Sent');
      protocol.close();
    },
    Stopping: () => {
      reach('Opened');
      harness.terminate();
    },
    'Req-Sent': () => {
      protocol.open();
      protocol.up();
    },
    'Ack-Rcvd': () => {
      reach('Req-Sent');
      harness.answer(CODE.configureAck);
    },
    'Ack-Sent': () => {
      reach('Req-Sent');
      harness.request(option(1, [1]));
    },
    Opened: () => {
      reach('Ack-Sent');
      harness.answer(CODE.configureAck);
    },
  };
  const reach = (wanted: AutomatonState): void => {
    steps[wanted]();
  };
  reach(state);
  expect(protocol.state).toBe(state);
  harness.log = [];
  return harness;
}

/** Events as what causes them. Those of the crossed connection cannot be caused: stray answers are dropped before. */
const cause: Partial<Record<AutomatonEvent, (harness: Harness) => void>> = {
  Up: ({ protocol }) => {
    protocol.up();
  },
  Down: ({ protocol }) => {
    protocol.down();
  },
  Open: ({ protocol }) => {
    protocol.open();
  },
  Close: ({ protocol }) => {
    protocol.close();
  },
  'RCR+': (harness) => {
    harness.request(option(1, [1]));
  },
  'RCR-': (harness) => {
    harness.request(option(2, [1]));
  },
  RTR: (harness) => {
    harness.terminate();
  },
  RTA: ({ protocol }) => {
    protocol.receive(controlPacket(CODE.terminateAck, 5, NONE));
  },
  RUC: ({ protocol }) => {
    protocol.receive(controlPacket(99, 5, NONE));
  },
  'RXJ+': ({ protocol }) => {
    protocol.receive(controlPacket(CODE.codeReject, 5, Uint8Array.of(CODE.echoRequest, 1, 0, 4)));
  },
  'RXJ-': ({ protocol }) => {
    protocol.rejected();
  },
  RXR: ({ protocol }) => {
    protocol.receive(controlPacket(CODE.discardRequest, 5, NONE));
  },
};

const table = fsm.table as unknown as Record<string, Record<string, { actions: string[]; next: number } | null>>;

describe('a control protocol', () => {
  const driven = AUTOMATON_EVENTS.filter((event) => cause[event] !== undefined);
  const cells = driven.flatMap((event) => AUTOMATON_STATES.map((state) => ({ event, state })));
  it.each(cells)('does what the table says on $event in $state', ({ event, state }) => {
    const cell = table[event]?.[state];
    const harness = inState(state);
    cause[event]?.(harness);
    const visible = (cell?.actions ?? []).filter((action) => !['tls', 'irc', 'zrc', 'ser'].includes(action));
    expect(harness.log).toEqual(visible);
    expect(harness.protocol.state).toBe(cell === null || cell === undefined ? state : AUTOMATON_STATES[cell.next]);
    const timed = fsm.states.find(({ name }) => name === harness.protocol.state)?.restartTimerRuns;
    expect(harness.protocol.deadlineMs !== undefined).toBe(timed);
  });

  it('repeats a request with its identifier Max-Configure times, then finishes', () => {
    const harness = inState('Req-Sent');
    for (let i = 0; i < 3; i++) harness.expire();
    const requests = harness.sent.filter((packet) => packet[0] === CODE.configureRequest);
    expect(requests.map((packet) => packet[1])).toEqual([1, 1, 1]);
    expect(harness.protocol.state).toBe('Stopped');
    expect(harness.nowMs).toBe(9000);
  });

  it('takes a late Ack of a repeated request', () => {
    const harness = inState('Req-Sent');
    harness.expire();
    harness.answer(CODE.configureAck);
    expect(harness.protocol.state).toBe('Ack-Rcvd');
  });

  it('drops a second Ack, one with another identifier and one with other options', () => {
    const harness = inState('Opened');
    harness.answer(CODE.configureAck);
    expect(harness.protocol.state).toBe('Opened');
    const other = inState('Req-Sent');
    other.protocol.receive(controlPacket(CODE.configureAck, 200, other.lastRequest.subarray(4)));
    other.answer(CODE.configureAck, [option(1, [8])]);
    expect(other.protocol.state).toBe('Req-Sent');
    expect(other.protocol.counters.strayAnswers).toBe(2);
  });

  it('drops a Reject of what was not asked for, without a restart', () => {
    const harness = inState('Req-Sent');
    const before = harness.sent.length;
    harness.answer(CODE.configureReject, [option(3)]);
    harness.answer(CODE.configureReject, [option(1, [8])]);
    harness.answer(CODE.configureReject, []);
    expect(harness.sent).toHaveLength(before);
  });

  it('asks with a new identifier after a Nak', () => {
    const harness = inState('Req-Sent');
    harness.answer(CODE.configureNak, [option(1, [8])]);
    expect(harness.lastRequest[1]).toBe(2);
    expect(harness.protocol.state).toBe('Req-Sent');
  });

  it('rejects what it would nak after Max-Failure', () => {
    const harness = inState('Req-Sent');
    for (let i = 0; i < 6; i++) harness.request(option(2, [1]));
    const codes = harness.sent.slice(-6).map((packet) => packet[0]);
    expect(codes).toEqual([3, 3, 3, 3, 3, 4]);
  });

  it('counts Max-Failure anew after an Ack', () => {
    const harness = inState('Req-Sent');
    for (let i = 0; i < 5; i++) harness.request(option(2, [1]));
    harness.request(option(1, [1]));
    harness.request(option(2, [1]));
    expect(harness.sent.slice(-2).map((packet) => packet[0])).toEqual([2, 3]);
  });

  it('takes Naks as Rejects after their bound', () => {
    const harness = inState('Req-Sent');
    const rejected: unknown[] = [];
    harness.negotiator.rejected = (...options: unknown[]) => {
      rejected.push(options);
      return 'go';
    };
    for (let i = 0; i < 11; i++) harness.answer(CODE.configureNak, [option(1, [8])]);
    expect(rejected).toHaveLength(1);
  });

  it('gives up on a peer that asks for ever', () => {
    const harness = inState('Req-Sent');
    for (let i = 0; i < 51; i++) harness.request(option(3));
    expect(harness.gaveUp).toBe('noAgreement');
  });

  it('rejects an option of impossible length and all behind it', () => {
    const harness = inState('Req-Sent');
    const list = Uint8Array.of(1, 3, 7, 9, 1, 1, 3, 7);
    harness.protocol.receive(controlPacket(CODE.configureRequest, 9, list));
    expect([...(harness.sent.at(-1) as Uint8Array)]).toEqual([4, 9, 0, 9, 9, 1, 1, 3, 7]);
    harness.protocol.receive(controlPacket(CODE.configureRequest, 9, Uint8Array.of(5, 255)));
    expect([...(harness.sent.at(-1) as Uint8Array)]).toEqual([4, 9, 0, 6, 5, 255]);
    harness.protocol.receive(controlPacket(CODE.configureRequest, 9, Uint8Array.of(0, 0)));
    expect([...(harness.sent.at(-1) as Uint8Array)]).toEqual([4, 9, 0, 6, 0, 0]);
  });

  it('answers a Terminate-Request with its identifier and no data, however long it was', () => {
    const harness = inState('Opened');
    harness.protocol.receive(controlPacket(CODE.terminateRequest, 42, new Uint8Array(100)));
    expect([...(harness.sent.at(-1) as Uint8Array)]).toEqual([6, 42, 0, 4]);
  });

  it('reconfigures from Opened in the order down, request, Ack', () => {
    const harness = inState('Opened');
    harness.request(option(1, [1]));
    expect(harness.log).toEqual(['tld', 'scr', 'sca']);
  });

  it('sends Max-Terminate Terminate-Requests with one identifier', () => {
    const harness = inState('Opened');
    harness.protocol.close(Uint8Array.of(65));
    harness.expire();
    harness.expire();
    const requests = harness.sent.filter((packet) => packet[0] === CODE.terminateRequest);
    expect(requests.map((packet) => [...packet])).toEqual([
      [5, 2, 0, 5, 65],
      [5, 2, 0, 5, 65],
    ]);
    expect(harness.protocol.state).toBe('Closed');
  });
});
