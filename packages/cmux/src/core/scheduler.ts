import type { Dlc } from './dlc.ts';

/**
 * Which DLC sends the next frame: the one of the most urgent priority (the smallest number), each frame for which it was
 * passed over making it more urgent by one, so that nothing starves; among equals the one served longest ago. With the
 * priorities of 3GPP TS 27.010 §5.6 a DLC waits for 63 frames at most for each DLC above it.
 */
export class Scheduler {
  readonly #dlcs = new Set<Dlc>();
  #turn = 0;

  /** A DLC has something to send. Its turn is counted from when it was last served: who speaks seldom need not queue. */
  add(dlc: Dlc): void {
    if (this.#dlcs.has(dlc)) return;
    this.#dlcs.add(dlc);
    dlc.age = 0;
    dlc.wasPassed = false;
  }

  remove(dlc: Dlc): void {
    this.#dlcs.delete(dlc);
  }

  /** True where a DLC has something that may leave now. */
  hasWork(allStopped: boolean): boolean {
    if (this.#dlcs.size === 0) return false;
    for (const dlc of this.#dlcs) if (dlc.nextLength(allStopped) >= 0) return true;
    return false;
  }

  /**
   * The DLC to serve, where its frame fits. A frame that does not fit waits for its turn, but a shorter one of another
   * DLC is let through before it, once: an AT command need not wait for the room of a full frame.
   */
  next(allStopped: boolean, fits: (infoLength: number) => boolean): Dlc | undefined {
    const best = this.#best(allStopped, undefined);
    if (best === undefined) return undefined;
    if (fits(best.nextLength(allStopped))) return best;
    if (best.wasPassed) return undefined;
    const second = this.#best(allStopped, best);
    if (second === undefined || !fits(second.nextLength(allStopped))) return undefined;
    best.wasPassed = true;
    return second;
  }

  /** To be told of each frame. */
  served(dlc: Dlc): void {
    for (const other of this.#dlcs) if (other !== dlc && !other.outbound.queue.isEmpty) other.age++;
    dlc.age = 0;
    dlc.wasPassed = false;
    dlc.servedAt = this.#turn++;
    if (!dlc.hasUnsent && !dlc.outbound.signalsDue) this.#dlcs.delete(dlc);
  }

  #best(allStopped: boolean, except: Dlc | undefined): Dlc | undefined {
    let best: Dlc | undefined;
    for (const dlc of this.#dlcs) {
      if (dlc === except || dlc.nextLength(allStopped) < 0) continue;
      if (best === undefined || isBefore(dlc, best)) best = dlc;
    }
    return best;
  }
}

function isBefore(one: Dlc, other: Dlc): boolean {
  const difference = one.parameters.priority - one.age - (other.parameters.priority - other.age);
  return difference < 0 || (difference === 0 && one.servedAt < other.servedAt);
}
