import { DrivenPort, type Clock, type Port } from '@cellmux/port';

/** The far end of a line in the fuzzer's hands: it takes octets or does not, and says what it likes. */
export interface CountingLine {
  readonly port: Port;
  /** Octets that were handed to the port and not taken by this end. */
  readonly waitingOctets: () => number;
  /** Called with what this end takes. */
  onTaken: (octets: Uint8Array) => void;
  readonly say: (octets: Uint8Array) => void;
  /** Takes nothing until told otherwise. */
  readonly hold: (isHeld: boolean) => void;
  readonly end: (error?: unknown) => void;
}

export function countingLine(clock: Clock): CountingLine {
  let handed = 0;
  let taken = 0;
  let isHeld = false;
  let release: (() => void) | undefined;
  const take = (bytes: Uint8Array): number => {
    taken += bytes.length;
    line.onTaken(bytes);
    return bytes.length;
  };
  const driven = new DrivenPort({
    name: 'fuzzed line',
    role: 'dte',
    clock,
    driver: {
      write: (bytes) => {
        if (!isHeld) return take(bytes);
        const copy = bytes.slice();
        return new Promise((resolve) => {
          release = () => {
            resolve(take(copy));
          };
        });
      },
      pause: () => undefined,
      resume: () => undefined,
      close: () => undefined,
    },
  });
  const port = new Proxy<Port>(driven, {
    get(target, name) {
      if (name === 'send') {
        return (bytes: Uint8Array): Promise<void> => {
          handed += bytes.length;
          return target.send(bytes);
        };
      }
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const line: CountingLine = {
    port,
    waitingOctets: () => handed - taken,
    onTaken: () => undefined,
    say: (octets) => {
      driven.received(octets);
    },
    hold: (held) => {
      isHeld = held;
      const resolve = release;
      if (held || resolve === undefined) return;
      release = undefined;
      resolve();
    },
    end: (error) => {
      if (error === undefined) driven.ended();
      else driven.failed(error);
    },
  };
  return line;
}
