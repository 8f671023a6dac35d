import { memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it } from 'vitest';
import { frameOf, octets, RawPeer } from '../test/raw-peer.ts';
import captures from '../vectors/ppp-captures.json' with { type: 'json' };
import { FrameDecoder, PppLink, PROTOCOL, type FrameFormat } from './index.ts';
import { md5 } from './core/hash/md5.ts';

interface Entry {
  dir?: string;
  wire?: string;
  text?: string;
}
const exchanges = captures.exchanges as Record<string, Entry[]>;
const names = Object.keys(exchanges);
const frames = (name: string, dir: string): Entry[] => (exchanges[name] ?? []).filter((entry) => entry.dir === dir);

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

  /** The link under test takes the place of one recorded peer and must send what that one sent. */
  async function replay(name: string, as: 'client' | 'server', password: string) {
    const clock = new VirtualClock();
    const { dte, dce } = memoryPair();
    const far = as === 'client' ? dce : dte;
    const peer = new RawPeer(far);
    const mine = frames(name, as === 'client' ? 'client->server' : 'server->client');
    const magic = /magic (0x[0-9a-f]+)/.exec(mine[0]?.text ?? '')?.[1] ?? '0';
    const random = (count: number): Uint8Array =>
      count === 4 ? octets(Number(magic).toString(16).padStart(8, '0')) : new Uint8Array(count).fill(1);
    const link =
      as === 'client'
        ? new PppLink(dte, { clock, random, user: 'user', password })
        : new PppLink(dce, {
            clock,
            random,
            role: 'server',
            auth: 'pap',
            verify: () => 'pass',
            localAddress: '10.64.64.64',
            peerAddress: '10.23.45.67',
          });
    const opening = link.open().catch((error: unknown) => error);
    const theirs = frames(name, as === 'client' ? 'server->client' : 'client->server');
    for (const { wire } of theirs) {
      peer.bytes(octets(wire ?? ''));
      await clock.advance(1);
    }
    const sent = peer.seen.map(({ protocol, information }) => ({
      protocol,
      hex: Buffer.from(information).toString('hex'),
    }));
    return { link, opening, sent, mine, clock };
  }

  /** The part of a recorded frame behind its header, for frames of the protocols given. */
  function information({ wire }: Entry): { protocol: number; hex: string } {
    let got = { protocol: 0, hex: '' };
    const decoder = new FrameDecoder({
      maximumInformationBytes: 1500,
      onFrame: (protocol, octetsOf) => (got = { protocol, hex: Buffer.from(octetsOf).toString('hex') }),
    });
    decoder.decode(octets(wire ?? ''));
    return got;
  }

  it.each([
    ['pap-ok', 'client', 'pass', /ConfReq.*asyncmap|ConfAck.*asyncmap|AuthReq|EchoRep/],
    ['pap-bad-password', 'client', 'wrong', /ConfReq.*asyncmap|ConfAck.*asyncmap|AuthReq/],
    ['chap-md5-ok', 'client', 'pass', /ConfReq.*asyncmap|ConfAck.*asyncmap|CHAP Response|EchoRep/],
    ['chap-md5-bad-secret', 'client', 'wrong', /ConfReq.*asyncmap|ConfAck.*asyncmap|CHAP Response/],
    ['pap-ok', 'server', 'pass', /ConfReq.*asyncmap|ConfAck.*asyncmap|AuthAck|EchoRep/],
    ['pap-bad-password', 'server', 'pass', /ConfReq.*asyncmap|ConfAck.*asyncmap|TermReq/],
  ] as const)('%s: the %s sends what was recorded', async (name, as, password, wanted) => {
    const { sent, mine } = await replay(name, as, password);
    for (const entry of mine) {
      const { text } = entry;
      if (text === undefined || !wanted.test(text)) continue;
      const expected = information(entry);
      // The first byte behind a Terminate-Request's code is the identifier, which depends on what was sent before.
      if (text.includes('TermReq')) {
        expect(sent.some(({ hex }) => hex.startsWith('05') && hex.slice(4) === expected.hex.slice(4))).toBe(true);
      } else expect(sent).toContainEqual(expected);
    }
  });

  it('pap-ok: the link is up with the recorded addresses', async () => {
    const { link, opening } = await replay('pap-ok', 'client', 'pass');
    // The recorded server answers a request with VJ in it: its Ack is not ours, its Nak is.
    expect(link.counters.fcsErrors).toBe(0);
    await link.close({ signal: AbortSignal.abort() });
    await opening;
    expect(['running', 'dead']).toContain(link.phase);
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
