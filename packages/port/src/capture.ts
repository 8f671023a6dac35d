import { tap } from 'rxjs';
import type { PortRole } from './circuits.ts';
import { systemClock, type Clock } from './clock.ts';
import { CellmuxError } from './core/cellmux-error.ts';
import {
  enhancedPacketBlock,
  interfaceDescriptionBlock,
  interfaceStatisticsBlock,
  LINK_TYPE,
  sectionHeaderBlock,
} from './core/pcapng.ts';
import type { Port } from './port.ts';
import { PortView } from './port-view.ts';

/** What a capture can hold: frames of 3GPP TS 27.010, frames of PPP, octets as they are (the text of AT commands). */
export type CaptureLayer = 'cmux' | 'ppp' | 'at';

/** Interfaces of one capture; a record of one more is refused with `ERR_CAPTURE_FULL`. */
export const CAPTURE_INTERFACE_LIMIT = 1024;

/** Where blocks go: false when one could not be taken, which is then counted and said in the file. */
export type CaptureSink = (block: Uint8Array) => boolean | undefined;

/** Options of {@link Capture}. */
export interface CaptureOptions {
  /** Takes each block of the file, in order, whole, for good. */
  readonly sink: CaptureSink;
  /** What wrote the file; default `cellmux`. */
  readonly application?: string;
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
  /** Milliseconds since 1970-01-01 UTC when the capture begins; default now. */
  readonly startedAtMs?: number;
}

/** Options of {@link Capture.tap}. */
export interface CaptureTapOptions {
  /** For people, shown as the interface's name: `line`, `DLCI 1`. Default: the layer. */
  readonly name?: string;
  /** The end at which it is captured: what a `dte` sends goes from the application to the module. Default `dte`. */
  readonly role?: PortRole;
}

/** One interface of a capture. A tap costs nothing to keep and is never closed. */
export interface CaptureTap {
  /** Records what this end sent. `comment` is shown with the packet. */
  readonly sent: (octets: Uint8Array, comment?: string) => void;
  /** Records what this end received. */
  readonly received: (octets: Uint8Array, comment?: string) => void;
}

/**
 * Records layers into one pcapng file that Wireshark opens as it is. What to record:
 * - `cmux`: whole frames of the basic option, from flag F9 to flag F9; of the advanced option Wireshark knows nothing,
 *   and such frames are recorded as octets;
 * - `ppp`: the frame from its address field to the end of its information field, without flags, escapes and FCS;
 * - `at`: any octets.
 *
 * It keeps nothing: a block that the sink does not take is lost, counted, and the next record of the file says so.
 */
export class Capture {
  readonly #sink: CaptureSink;
  readonly #clock: Clock;
  readonly #offsetMs: number;
  readonly #dropped: number[] = [];
  #droppedSince = 0;
  #recorded = 0;
  #interfaces = 0;

  constructor(options: CaptureOptions) {
    this.#sink = options.sink;
    this.#clock = options.clock ?? systemClock;
    this.#offsetMs = (options.startedAtMs ?? Date.now()) - this.#clock.now();
    this.#sink(sectionHeaderBlock(options.application ?? 'cellmux'));
  }

  /** Records in the file. */
  get recorded(): number {
    return this.#recorded;
  }

  /** Records that the sink did not take. */
  get dropped(): number {
    return this.#dropped.reduce((sum, count) => sum + count, 0);
  }

  /**
   * A new interface of the file for one layer of one line.
   *
   * @throws CellmuxError `ERR_CAPTURE_FULL` when there are {@link CAPTURE_INTERFACE_LIMIT}.
   */
  tap(layer: CaptureLayer, { name = layer, role = 'dte' }: CaptureTapOptions = {}): CaptureTap {
    const open = (linkType: number, description: string): number => this.#open(linkType, name, description);
    const isDte = role === 'dte';
    if (layer === 'at') {
      const id = open(LINK_TYPE.user0, 'AT');
      return this.#tap(id, (octets) => octets);
    }
    if (layer === 'ppp') {
      const id = open(LINK_TYPE.pppWithDirection, 'PPP');
      return this.#tap(id, (octets, isSent) => withHead(octets, isSent ? 1 : 0));
    }
    const id = open(LINK_TYPE.mux27010, '3GPP TS 27.010');
    let advancedId: number | undefined;
    return this.#tap(
      (octets) => {
        if (octets[0] === 0xf9) return id;
        advancedId ??= open(LINK_TYPE.user0, '3GPP TS 27.010, advanced option');
        return advancedId;
      },
      (octets, isSent) => (octets[0] === 0xf9 ? withHead(octets, 0, isSent === isDte ? 0 : 1) : octets),
    );
  }

  /** Says in the file how many records of each interface it lacks. To be called once, at the end. */
  end(): void {
    this.#dropped.forEach((count, id) => {
      if (count > 0) this.#sink(interfaceStatisticsBlock(id, this.#timeUs(), count));
    });
  }

  #open(linkType: number, name: string, description: string): number {
    if (this.#interfaces >= CAPTURE_INTERFACE_LIMIT) {
      throw new CellmuxError('ERR_CAPTURE_FULL', `A capture holds ${CAPTURE_INTERFACE_LIMIT} interfaces, no more`, {
        hint: 'Use one tap for each line and layer again and again.',
      });
    }
    // A file that lacks a description is no use: that block is not for the sink to refuse.
    this.#sink(interfaceDescriptionBlock({ linkType, name, description }));
    this.#dropped.push(0);
    return this.#interfaces++;
  }

  #tap(
    interfaceOf: number | ((octets: Uint8Array) => number),
    frame: (octets: Uint8Array, isSent: boolean) => Uint8Array,
  ): CaptureTap {
    const record = (octets: Uint8Array, isSent: boolean, comment: string | undefined): void => {
      const interfaceId = typeof interfaceOf === 'number' ? interfaceOf : interfaceOf(octets);
      const lost = this.#droppedSince === 0 ? '' : `${this.#droppedSince} records are missing before this one. `;
      const taken = this.#sink(
        enhancedPacketBlock({
          interfaceId,
          timeUs: this.#timeUs(),
          direction: isSent ? 'outbound' : 'inbound',
          octets: frame(octets, isSent),
          comment: lost === '' ? comment : lost + (comment ?? ''),
        }),
      );
      if (taken === false) {
        this.#droppedSince++;
        this.#dropped[interfaceId] = (this.#dropped[interfaceId] ?? 0) + 1;
      } else {
        this.#droppedSince = 0;
        this.#recorded++;
      }
    };
    return {
      sent: (octets, comment) => {
        record(octets, true, comment);
      },
      received: (octets, comment) => {
        record(octets, false, comment);
      },
    };
  }

  #timeUs(): number {
    return Math.round((this.#offsetMs + this.#clock.now()) * 1000);
  }
}

/** The same port, all of whose octets are recorded: what is received when it is emitted, what is sent when it was taken. */
export function tapPort(port: Port, captureTap: CaptureTap): Port {
  return new PortView(port, {
    received$: port.received$.pipe(
      tap((chunk) => {
        captureTap.received(chunk);
      }),
    ),
    send: async (bytes, options) => {
      const copy = new Uint8Array(bytes);
      await port.send(bytes, options);
      captureTap.sent(copy);
    },
  });
}

function withHead(octets: Uint8Array, ...head: number[]): Uint8Array {
  const whole = new Uint8Array(head.length + octets.length);
  whole.set(head);
  whole.set(octets, head.length);
  return whole;
}
