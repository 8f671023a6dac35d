import { memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it } from 'vitest';
import { frameOf, octets, RawPeer } from '../test/raw-peer.ts';
import {
  COMPRESSION,
  octetsOf,
  RecordedPeer,
  recordedFrames,
  withoutCompression,
  type RecordedEntry,
  type RecordedFrame,
} from '../test/recorded-peer.ts';
import captures from '../vectors/ppp-captures.json' with { type: 'json' };
import { parseOptions } from './core/control-packet.ts';
import { CODE, FrameDecoder, PppLink, PROTOCOL, type FrameFormat } from './index.ts';
import { md5 } from './core/hash/md5.ts';

const exchanges = captures.exchanges as Record<string, RecordedEntry[]>;
const names = Object.keys(exchanges);

const FULL = { pfc: false, acfc: false };
/** How the recorded peers framed a packet: after the negotiation nothing is escaped but LCP's basic codes. */
function formatOf(protocol: number, code: number): FrameFormat {
  if (protocol === PROTOCOL.LCP && code <= 7) return { accm: 0xffffffff, ...FULL };
  return { accm: 0, pfc: protocol < 256, acfc: protocol < 256 };
}

describe('recorded exchanges', () => {
  it.each(names)('%s: every frame is decoded, and coded again to the same octets', (name) => {
    for (const { wire } of exchanges[name] ?? []) {
      if (wire === undefined) continue;
      let got: { protocol: number; information: Uint8Array } | undefined;
      const decoder = new FrameDecoder({
        maximumInformationBytes: 1500,
        onFrame: (protocol, information) => (got = { protocol, information }),
      });
      decoder.decode(octets(wire));
      expect(got).toBeDefined();
      const { protocol, information } = got as { protocol: number; information: Uint8Array };
      const again = frameOf(protocol, information, formatOf(protocol, information[0] as number));
      expect(Buffer.from(again).toString('hex')).toBe(wire.startsWith('7e') ? wire : `7e${wire}`);
    }
  });

  /** What a frame says, without its identifier, by protocol. */
  interface Said {
    readonly protocol: number;
    readonly says: string;
  }
  const say = (protocol: number, code: number, data: Uint8Array | string): Said => ({
    protocol,
    says: `${code} ${typeof data === 'string' ? data : Buffer.from(data).toString('hex')}`,
  });

  /**
   * What the link must send where the recorded peer sent `frame`: the same, but for what is listed here. `answered` are
   * the requests that the other end made.
   */
  function expected({ protocol, code, data }: RecordedFrame, answered: readonly RecordedFrame[]): Said[] {
    // lwIP asks for an echo as soon as it can; here a keep-alive is asked for by those who want one.
    if (protocol === PROTOCOL.LCP && code === CODE.echoRequest) return [];
    // Each end has its own words for a wrong password.
    if (protocol === PROTOCOL.LCP && code === CODE.terminateRequest && Buffer.from(data).includes('ourselves'))
      return [say(protocol, code, Buffer.from('Authentication failed'))];
    if (protocol === PROTOCOL.CHAP && code === 1) return [say(protocol, code, 'a challenge')];
    if (protocol !== PROTOCOL.IPCP) return [say(protocol, code, data)];
    // lwIP does Van Jacobson compression, asks for it and grants it; here it is rejected first.
    const answer = say(protocol, code, octetsOf(withoutCompression(data)));
    const asked = answered.filter((frame) => frame.protocol === protocol && frame.code === CODE.configureRequest);
    const rejected = parseOptions(asked[0]?.data ?? new Uint8Array(0)).filter(({ type }) => type === COMPRESSION);
    const isFirst = code === CODE.configureNak || asked.length === 1;
    return code !== CODE.configureRequest && isFirst
      ? [say(protocol, CODE.configureReject, octetsOf(rejected)), answer]
      : [answer];
  }

  /** The link under test takes the place of one recorded end; the other end plays all that it sent. */
  async function replay(name: string, as: 'client' | 'server') {
    const clock = new VirtualClock();
    const { dte, dce } = memoryPair();
    const directions = ['client->server', 'server->client'] as const;
    const [mineTo, theirsTo] = as === 'client' ? directions : [directions[1], directions[0]];
    const [mine, theirs] = [
      recordedFrames(exchanges[name] ?? [], mineTo),
      recordedFrames(exchanges[name] ?? [], theirsTo),
    ];
    const find = (protocol: number, type: number): Uint8Array | undefined => {
      const request = mine.find((frame) => frame.protocol === protocol && frame.code === CODE.configureRequest);
      return parseOptions(request?.data ?? new Uint8Array(0)).find((option) => option.type === type)?.data;
    };
    const secret = name.includes('bad') ? 'wrong' : 'pass';
    const magic = find(PROTOCOL.LCP, 5) as Uint8Array;
    const interfaceIdentifier = find(PROTOCOL.IPV6CP, 1);
    const common = {
      clock,
      random: (count: number): Uint8Array => (count === 4 ? magic : new Uint8Array(count).fill(1)),
      ...(interfaceIdentifier === undefined ? {} : { ipv6: { interfaceIdentifier } }),
    };
    const link =
      as === 'client'
        ? new PppLink(dte, { ...common, user: 'user', password: secret })
        : new PppLink(dce, {
            ...common,
            role: 'server',
            auth: name.startsWith('pap') ? 'pap' : 'chap-md5',
            verify: () => 'pass',
            localAddress: '10.64.64.64',
            peerAddress: '10.23.45.67',
            dns: ['10.11.12.13', '10.11.12.14'],
          });
    const heard: Uint8Array[] = [];
    link.packets$.subscribe((packet) => heard.push(packet));
    const opening = link.open().catch((error: unknown) => error);
    const far = new RecordedPeer(as === 'client' ? dce : dte, secret);
    const unasked: RecordedFrame[] = [];
    let hasSent = false;
    for (const frame of theirs) {
      await clock.advance(1);
      const isClosing = frame.protocol === PROTOCOL.LCP && frame.code === CODE.terminateAck;
      if (isClosing && link.phase === 'running') void link.close();
      await clock.advance(1);
      if (link.phase === 'running' && !hasSent) {
        hasSent = true;
        for (const packet of mine.filter(({ protocol }) => protocol === PROTOCOL.IPv6))
          await clock.run(link.send(packet.information));
      }
      if (!far.play(frame)) unasked.push(frame);
    }
    await clock.run(link.ended);
    const sent = far.peer.seen.map(({ protocol, code, data, information }) => {
      if (protocol === PROTOCOL.IPv6) return say(protocol, -1, information);
      return say(protocol, code, protocol === PROTOCOL.CHAP && code === 1 ? 'a challenge' : data);
    });
    return {
      link,
      opening,
      heard,
      sent,
      unasked,
      wanted: mine.flatMap((frame) => expected(frame, theirs)),
      clock,
      theirs,
    };
  }

  const ends = names.flatMap((name) => [
    [name, 'client'],
    [name, 'server'],
  ]) as [string, 'client' | 'server'][];
  it.each(ends)('%s: as the %s, the link says all that was recorded, and nothing else', async (name, as) => {
    const { link, opening, heard, sent, wanted, unasked, theirs } = await replay(name, as);
    const protocols = [...new Set([...sent, ...wanted].map(({ protocol }) => protocol))];
    for (const protocol of protocols) {
      const of = (list: readonly Said[]): string[] =>
        list.filter((said) => said.protocol === protocol).map(({ says }) => says);
      expect(of(sent), protocol.toString(16)).toEqual(of(wanted));
    }
    // The echoes of lwIP are the only questions that were never asked here.
    expect(unasked.every(({ protocol, code }) => protocol === PROTOCOL.LCP && code === CODE.echoReply)).toBe(true);
    expect(link.counters).toMatchObject({ fcsErrors: 0, badHeaders: 0, droppedByPhase: 0 });
    if (name.includes('bad')) {
      expect(await opening).toMatchObject({ code: 'ERR_PPP_AUTH_FAILED' });
      return;
    }
    expect(await opening).toMatchObject({
      localAddress: as === 'client' ? '10.23.45.67' : '10.64.64.64',
      peerAddress: as === 'client' ? '10.64.64.64' : '10.23.45.67',
      // lwIP's example names the very servers that modules put off with.
      dns: [],
      ipv6: { localIdentifier: expect.any(Uint8Array), peerIdentifier: expect.any(Uint8Array) },
    });
    const packets = theirs.filter(({ protocol }) => protocol === PROTOCOL.IPv6).map(({ information }) => information);
    expect(heard).toEqual(packets);
    expect((await link.ended).reason).toBe(as === 'client' ? 'closedHere' : 'closedByPeer');
  });

  it('the digests of CHAP-MD5 are those recorded with lwIP', () => {
    const response = (id: number, secret: string, challenge: string): string =>
      Buffer.from(md5(Uint8Array.of(id, ...Buffer.from(secret), ...octets(challenge)))).toString('hex');
    expect(response(0x38, 'pass', 'df82fad65d9a54bc0d2d2b08dc60e8be94')).toBe('f6b01e563c902698a0f857f8af128938');
    expect(response(0xfc, 'wrong', '89c9ee312c03a9c1791e359b71296916640e350d9188')).toBe(
      'b623fae4deab52ff92c3b1cd2fc9a984',
    );
  });

  it('frames that users have posted', () => {
    const got: string[] = [];
    const decoder = new FrameDecoder({
      maximumInformationBytes: 1500,
      onFrame: (protocol, data) => got.push(`${protocol.toString(16)} ${Buffer.from(data).toString('hex')}`),
    });
    // SIM900, and the Terminate-Request of another.
    decoder.decode(
      octets('7eff7d23c0217d217d217d207d347d227d267d207d207d207d207d257d267d2b3f7d387d3c7d277d227d287d2265d97e'),
    );
    decoder.decode(octets('7eff7d23c0217d257d237d207d2485727e'));
    // SIM7600 behind CMUX: one frame in two pieces, an escaped octet in its FCS, ACFC.
    decoder.decode(octets('7e8021020200160306645959f4'.slice(0, 20)));
    expect(got).toEqual(['c021 0101001402060000000005060b3f181c07020802', 'c021 05030004']);
    const split: string[] = [];
    const second = new FrameDecoder({
      maximumInformationBytes: 1500,
      onFrame: (protocol, data) => split.push(`${protocol.toString(16)} ${Buffer.from(data).toString('hex')}`),
    });
    second.decode(octets('7e80210202001603066459f4'));
    second.decode(octets('e48106ac1e08058306ac1e08067d5d527e'));
    expect(split).toEqual(['8021 0202001603066459f4e48106ac1e08058306ac1e0806']);
  });

  it('a call without authentication after it was rejected, DNS not given', async () => {
    const clock = new VirtualClock();
    const { dte, dce } = memoryPair();
    const peer = new RawPeer(dce);
    const link = new PppLink(dte, { clock, auth: 'none', accm: 0xffffffff });
    const opening = link.open();
    const plain = (text: string): void => {
      const body = octets(text);
      const escaped = [...body].flatMap((octet) =>
        octet < 0x20 || octet === 0x7d || octet === 0x7e ? [0x7d, octet ^ 0x20] : [octet],
      );
      peer.bytes(Uint8Array.of(0x7e, ...escaped, 0x7e));
    };
    plain('FF03C021010100180206000000000304C023050654FD4A6507020802A906');
    await clock.advance(1);
    expect(peer.seen.some(({ information: data }) => Buffer.from(data).toString('hex') === '040100080304c023')).toBe(
      true,
    );
    plain('FF03C0210102001402060000000005061121D84707020802111F');
    await clock.advance(1);
    const request = peer.of(PROTOCOL.LCP, 1).at(-1);
    peer.control(PROTOCOL.LCP, 2, request?.identifier ?? 0, request?.data ?? new Uint8Array(0));
    await clock.advance(1);
    plain('802101030004032C');
    const first = peer.of(PROTOCOL.IPCP, 1).at(-1);
    peer.control(PROTOCOL.IPCP, 3, first?.identifier ?? 0, octets('03060a0a2409810600000000830600000000'));
    await clock.advance(1);
    const second = peer.of(PROTOCOL.IPCP, 1).at(-1);
    peer.control(PROTOCOL.IPCP, 2, second?.identifier ?? 0, second?.data ?? new Uint8Array(0));
    const network = await clock.run(opening);
    expect(network).toMatchObject({ localAddress: '10.10.36.9', dns: [], isPeerAddressInvented: true });
  });
});
