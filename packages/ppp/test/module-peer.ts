import type { Port } from '@cellmux/port';
import { option, type ControlOption } from '../src/core/control-packet.ts';
import { DEFAULT_FORMAT, type FrameFormat } from '../src/core/frame-format.ts';
import { CODE, PROTOCOL } from '../src/core/protocol-numbers.ts';
import { RawPeer, type SeenFrame } from './raw-peer.ts';

/** What a module does in a data call: the network's side, with the habits of one firmware. */
export interface ModuleProfile {
  readonly name: string;
  /** LCP options that it asks for. */
  readonly lcpRequest: readonly ControlOption[];
  /** Types of our LCP options that it rejects. */
  readonly lcpRejects?: readonly number[];
  /** What it does when its authentication is rejected: asks without, or asks again for ever. */
  readonly onAuthRejected?: 'yields' | 'insists';
  /** How often IPCP puts us off, and with which options. */
  readonly ipcpStalls?: { readonly times: number; readonly options: readonly ControlOption[] };
  /** The last Nak: what it gives. */
  readonly ipcpNak: readonly ControlOption[];
  /** The options of its own IPCP request. */
  readonly ipcpRequest: readonly ControlOption[];
  /** Name servers are rejected. */
  readonly ipcpRejects?: readonly number[];
  /** How it frames data, whatever was agreed. */
  readonly dataFormat?: FrameFormat;
  /** Sends a Discard-Request once LCP is open. */
  readonly sendsDiscard?: boolean;
  /** Drops data frames with a full header once compression was agreed on. */
  readonly wantsCompressedData?: boolean;
  /** Hangs up when it sees IPV6CP. */
  readonly hangsUpOnIpv6?: boolean;
  /** What it says to an Echo-Request behind its Magic-Number: what it was asked (the default), our magic once more, nothing. */
  readonly echo?: 'copies' | 'repeatsMagic' | 'ignores';
  /** The text it says when it hangs up. */
  readonly noCarrier?: string;
}

/** Options of LCP and IPCP by name, for profiles. */
export const lcp = {
  accm: (map: number) => option(2, [map >>> 24, (map >>> 16) & 255, (map >>> 8) & 255, map & 255]),
  pap: option(3, [0xc0, 0x23]),
  chap: option(3, [0xc2, 0x23, 5]),
  magic: (number: number) => option(5, [number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255]),
  pfc: option(7),
  acfc: option(8),
  mru: (octets: number) => option(1, [octets >>> 8, octets & 255]),
};
export const ip = (type: number, address: string): ControlOption => option(type, address.split('.').map(Number));

/** A module with the habits of a profile, on the far end of a port. */
export class ModulePeer {
  readonly peer: RawPeer;
  readonly delivered: Uint8Array[] = [];
  readonly #profile: ModuleProfile;
  #request: readonly ControlOption[];
  #identifier = 0;
  #authenticates: 'pap' | 'chap' | undefined;
  #isAcked = false;
  #hasAcked = false;
  #stalls = 0;
  #isHungUp = false;

  constructor(port: Port, profile: ModuleProfile) {
    this.#profile = profile;
    this.#request = profile.lcpRequest;
    this.peer = new RawPeer(port);
    this.peer.onFrame = (frame) => {
      if (!this.#isHungUp) this.#frame(frame);
    };
  }

  /** Says CONNECT's last octets and the first Configure-Request in one go. */
  start(): void {
    this.#askLcp();
  }

  hangUp(): void {
    this.#isHungUp = true;
    this.peer.text(this.#profile.noCarrier ?? '\r\nNO CARRIER\r\n');
  }

  /** Sends an IP packet to the terminal. */
  send(packet: Uint8Array): void {
    this.peer.frame(PROTOCOL.IPv4, packet, this.#profile.dataFormat ?? { accm: 0, pfc: false, acfc: false });
  }

  #askLcp(): void {
    this.peer.control(PROTOCOL.LCP, CODE.configureRequest, this.#identifier, this.#request);
  }

  #frame(frame: SeenFrame): void {
    if (frame.protocol === PROTOCOL.LCP) this.#lcp(frame);
    else if (frame.protocol === PROTOCOL.PAP && frame.code === 1) {
      this.peer.control(PROTOCOL.PAP, 2, frame.identifier, Uint8Array.of(0));
      this.#network();
    } else if (frame.protocol === PROTOCOL.CHAP && frame.code === 2) {
      this.peer.control(PROTOCOL.CHAP, 3, frame.identifier);
      this.#network();
    } else if (frame.protocol === PROTOCOL.IPCP) this.#ipcp(frame);
    else if (frame.protocol === PROTOCOL.IPv4) this.#data(frame);
    else if (frame.protocol === PROTOCOL.IPV6CP && this.#profile.hangsUpOnIpv6 === true) this.hangUp();
    else {
      const rejected = Uint8Array.of(frame.protocol >>> 8, frame.protocol & 255, ...frame.information);
      this.peer.control(PROTOCOL.LCP, CODE.protocolReject, 99, rejected);
    }
  }

  #lcp(frame: SeenFrame): void {
    switch (frame.code) {
      case CODE.configureRequest: {
        const rejects = frame.options.filter(({ type }) => this.#profile.lcpRejects?.includes(type) === true);
        if (rejects.length > 0) this.peer.control(PROTOCOL.LCP, CODE.configureReject, frame.identifier, rejects);
        else {
          this.peer.control(PROTOCOL.LCP, CODE.configureAck, frame.identifier, frame.data);
          this.#hasAcked = true;
          this.#lcpStep();
        }
        break;
      }
      case CODE.configureAck: {
        const auth = this.#request.find(({ type }) => type === 3);
        this.#authenticates = auth === undefined ? undefined : auth.data[0] === 0xc0 ? 'pap' : 'chap';
        this.#isAcked = true;
        this.#lcpStep();
        break;
      }
      case CODE.configureReject: {
        const isAuth = frame.options.some(({ type }) => type === 3);
        this.#identifier++;
        if (!isAuth || this.#profile.onAuthRejected === 'yields')
          this.#request = this.#request.filter(({ type }) => !frame.options.some((gone) => gone.type === type));
        this.#askLcp();
        break;
      }
      case CODE.configureNak:
        this.#identifier++;
        this.#request = this.#request.map((mine) => frame.options.find(({ type }) => type === mine.type) ?? mine);
        this.#askLcp();
        break;
      case CODE.terminateRequest:
        this.peer.control(PROTOCOL.LCP, CODE.terminateAck, frame.identifier);
        this.hangUp();
        break;
      case CODE.echoRequest: {
        const { echo = 'copies' } = this.#profile;
        if (echo === 'ignores') break;
        const rest = echo === 'copies' ? frame.data.subarray(4) : frame.data.subarray(0, 4);
        this.peer.control(PROTOCOL.LCP, CODE.echoReply, frame.identifier, Uint8Array.of(9, 9, 9, 9, ...rest));
        break;
      }
      default:
    }
  }

  #lcpStep(): void {
    if (!this.#isAcked || !this.#hasAcked) return;
    if (this.#profile.sendsDiscard === true)
      this.peer.control(PROTOCOL.LCP, CODE.discardRequest, 1, Uint8Array.of(1, 2, 3, 4));
    if (this.#authenticates === 'chap') {
      const challenge = Uint8Array.of(
        16,
        ...new Uint8Array(16).fill(7),
        ...'UMTS_CHAP_SRVR'.split('').map((c) => c.charCodeAt(0)),
      );
      this.peer.control(PROTOCOL.CHAP, 1, 1, challenge);
    } else if (this.#authenticates === undefined) this.#network();
  }

  #network(): void {
    this.peer.control(PROTOCOL.IPCP, CODE.configureRequest, 0, this.#profile.ipcpRequest, this.#format);
  }

  get #format(): FrameFormat {
    return this.#profile.dataFormat ?? DEFAULT_FORMAT;
  }

  #ipcp(frame: SeenFrame): void {
    const { ipcpStalls, ipcpNak, ipcpRejects } = this.#profile;
    if (frame.code === CODE.configureReject) {
      const rest = this.#profile.ipcpRequest.filter(({ type }) => !frame.options.some((gone) => gone.type === type));
      this.peer.control(PROTOCOL.IPCP, CODE.configureRequest, 1, rest, this.#format);
    }
    if (frame.code !== CODE.configureRequest) return;
    const answer = (code: number, options: readonly ControlOption[]): void => {
      this.peer.control(PROTOCOL.IPCP, code, frame.identifier, options, this.#format);
    };
    const rejects = frame.options.filter(({ type }) => ipcpRejects?.includes(type) === true);
    if (rejects.length > 0) {
      answer(CODE.configureReject, rejects);
      return;
    }
    if (ipcpStalls !== undefined && this.#stalls < ipcpStalls.times) {
      this.#stalls++;
      answer(CODE.configureNak, ipcpStalls.options);
      return;
    }
    const wrong = ipcpNak.filter((given) => {
      const asked = frame.options.find(({ type }) => type === given.type);
      return asked !== undefined && asked.raw.join() !== given.raw.join();
    });
    if (wrong.length > 0) answer(CODE.configureNak, wrong);
    else answer(CODE.configureAck, frame.options);
  }

  #data(frame: SeenFrame): void {
    // The raw peer has taken the header off; whether it was there is in the octets that came last.
    if (this.#profile.wantsCompressedData === true) {
      const frames = this.peer.wire.subarray(0, -1);
      const start = frames.lastIndexOf(0x7e) + 1;
      if (frames[start] === 0xff) return;
    }
    this.delivered.push(frame.information);
  }
}

const accm0 = lcp.accm(0);
const STALL = [ip(129, '10.11.12.13'), ip(131, '10.11.12.14'), ip(130, '10.11.12.13'), ip(132, '10.11.12.14')];
const GIVEN = [ip(3, '10.36.9.1'), ip(129, '172.30.8.5'), ip(131, '172.30.8.6')];

/** Firmwares as users have met them. */
export const MODULES: readonly ModuleProfile[] = [
  {
    name: 'Telit LE910, CHAP first',
    lcpRequest: [accm0, lcp.chap, lcp.magic(0x11223344), lcp.pfc, lcp.acfc],
    ipcpNak: GIVEN,
    ipcpRequest: [],
    sendsDiscard: true,
  },
  {
    name: 'Telit LE910 (Telstra): puts off with placeholders while the context is activated',
    lcpRequest: [accm0, lcp.chap, lcp.magic(0x11223344), lcp.pfc, lcp.acfc],
    onAuthRejected: 'yields',
    ipcpStalls: { times: 60, options: STALL },
    ipcpNak: GIVEN,
    ipcpRequest: [],
    sendsDiscard: true,
  },
  {
    name: 'Telit LE910S1, SIM7600: uses both compressions at once',
    lcpRequest: [accm0, lcp.magic(1), lcp.pfc, lcp.acfc],
    ipcpNak: GIVEN,
    ipcpRequest: [],
    dataFormat: { accm: 0, pfc: true, acfc: true },
  },
  {
    name: 'SIM900: rejects magic and both compressions, PAP, XON and XOFF escaped',
    lcpRequest: [lcp.accm(0x000a0000), lcp.pap],
    lcpRejects: [5, 7, 8],
    ipcpNak: GIVEN,
    ipcpRequest: [ip(3, '192.168.254.254')],
    dataFormat: { accm: 0, pfc: false, acfc: false },
  },
  {
    name: 'Neoway N717: compresses data although it rejected that',
    lcpRequest: [accm0, lcp.pap],
    lcpRejects: [7, 8],
    ipcpNak: GIVEN,
    ipcpRequest: [],
    dataFormat: { accm: 0, pfc: true, acfc: false },
  },
  {
    name: 'ASR1603: escapes nothing although our map was rejected',
    lcpRequest: [accm0, lcp.pap, lcp.magic(7), lcp.pfc, lcp.acfc],
    lcpRejects: [2],
    ipcpNak: GIVEN,
    ipcpRequest: [],
    dataFormat: { accm: 0, pfc: true, acfc: true },
  },
  {
    name: 'SIMCom A7683E: drops data with full headers once compression was agreed on',
    lcpRequest: [accm0, lcp.magic(7), lcp.pfc, lcp.acfc],
    ipcpNak: GIVEN,
    ipcpRequest: [],
    wantsCompressedData: true,
  },
  {
    name: 'u-blox SARA: proposes NBNS between the DNS, no address of its own',
    lcpRequest: [accm0, lcp.pap, lcp.magic(7)],
    ipcpStalls: {
      times: 1,
      options: [
        ip(3, '10.36.9.1'),
        ip(129, '172.30.8.5'),
        ip(130, '172.30.8.5'),
        ip(131, '172.30.8.6'),
        ip(132, '172.30.8.6'),
      ],
    },
    ipcpNak: GIVEN,
    ipcpRequest: [],
  },
  {
    name: 'Huawei E169: names 0.0.0.0 as its own address',
    lcpRequest: [accm0, lcp.chap, lcp.magic(7), lcp.pfc, lcp.acfc],
    ipcpNak: GIVEN,
    ipcpRequest: [ip(3, '0.0.0.0')],
  },
  {
    name: 'old GPRS: MRU 1600, NAK of CHAP leads to PAP',
    lcpRequest: [lcp.mru(1600), lcp.accm(0x000a0000), lcp.chap, lcp.magic(7)],
    ipcpNak: GIVEN,
    ipcpRequest: [],
  },
  {
    name: 'Qualcomm: CHAP first, PAP when that is naked, an echo with our magic in it, an empty request of IPCP',
    lcpRequest: [accm0, lcp.chap, lcp.magic(7), lcp.pfc, lcp.acfc],
    ipcpStalls: { times: 3, options: STALL },
    ipcpNak: GIVEN,
    ipcpRequest: [],
    sendsDiscard: true,
    echo: 'repeatsMagic',
  },
  {
    name: 'nRF91: names its own address, compresses nothing',
    lcpRequest: [accm0, lcp.magic(7)],
    lcpRejects: [7, 8],
    ipcpNak: GIVEN,
    ipcpRequest: [ip(3, '10.36.9.254')],
  },
  {
    name: 'VJ compression wanted',
    lcpRequest: [accm0],
    ipcpNak: GIVEN,
    ipcpRequest: [option(2, [0, 0x2d, 15, 1]), ip(3, '192.168.254.254')],
  },
];
