import type { Port } from '@cellmux/port';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { VirtualHe863Options } from './index.ts';
import { dialNetwork, NetworkServer } from './sockets/testing/network-peer.ts';
import { multiplexed } from './testing/served-module.ts';

/** The rules between commands, ports and contexts (guide §2.3, §3.1, §3.2), on a real multiplexer and a real network. */

const OK = '\r\nOK\r\n';
const CONNECT = '\r\nCONNECT\r\n';
const NO_CARRIER = '\r\nNO CARRIER\r\n';
const cme = (code: number): string => `\r\n+CME ERROR: ${code}\r\n`;

/** Virtual ports 1 to 3 with contexts 1 to 5 defined and 1 active, and a server on the network called `peer`. */
async function bench(options: VirtualHe863Options = {}) {
  const network = await NetworkServer.listen();
  onTestFinished(() => {
    network.close();
  });
  const made = await multiplexed({ hosts: { peer: `127.0.0.1:${network.port}` }, ...options });
  const { clock, hosts, ports, module } = made;
  const heard = ['', '', ''];
  const listeningPorts: number[] = [];
  module.events$.subscribe((event) => {
    const listening = event.type === 'socket' ? /listening on .*:(\d+)$/.exec(event.what) : null;
    if (listening !== null) listeningPorts.push(Number(listening[1]));
  });
  const listen = async (): Promise<void> => {
    for (const [index, host] of hosts.entries()) heard[index] += await host.heard();
  };
  /** Lets virtual time and the machine's network go on until something is so. */
  const until = async (isSo: () => boolean): Promise<void> => {
    for (let turn = 0; turn < 400 && !isSo(); turn++) {
      await clock.advance(5);
      await listen();
      await new Promise((resolve) => setTimeout(resolve, turn < 50 ? 0 : 2));
    }
    expect(isSo()).toBe(true);
  };
  const take = (dlci: number): string => {
    const text = heard[dlci - 1] ?? '';
    heard[dlci - 1] = '';
    return text;
  };
  /** Gives a command; what came when a final result or CONNECT has. */
  const ask = async (dlci: number, command: string): Promise<string> => {
    await hosts[dlci - 1]?.say(`AT${command}\r`);
    await until(() => /\r\n(?:OK|ERROR|NO CARRIER|CONNECT|\+CME ERROR: .*)\r\n/.test(heard[dlci - 1] ?? ''));
    return take(dlci);
  };
  const hears = async (dlci: number, text: string): Promise<void> => {
    await until(() => (heard[dlci - 1] ?? '').includes(text));
    expect(take(dlci)).toBe(text);
  };
  /** Silence, +++, silence. */
  const escape = async (dlci: number): Promise<void> => {
    await clock.advance(1100);
    await hosts[dlci - 1]?.say('+++');
    await clock.advance(1100);
  };
  const say = (dlci: number, text: string): Promise<void> => (hosts[dlci - 1] as (typeof hosts)[0]).say(text);
  for (const dlci of [1, 2, 3]) await ask(dlci, '+CMEE=1');
  for (const cid of [1, 2, 3, 4, 5]) await ask(1, `+CGDCONT=${cid},"IP","internet"`);
  expect(await ask(1, '#SGACT=1,1')).toContain(OK);
  const port = (dlci: number): Port => ports[dlci - 1] as Port;
  return { ...made, network, ask, until, hears, escape, say, take, port, listeningPorts };
}

describe('six connIds shared by three ports', () => {
  test('a connId that one port has suspended is resumed by another', async () => {
    const { ask, escape, hears, say, network, until } = await bench();
    for (const dlci of [1, 3]) await ask(dlci, '#SKIPESC=1');
    expect(await ask(1, '#SD=5,0,80,"peer"')).toBe(cme(556));
    expect(await ask(1, '#SD=3,0,80,"peer"')).toBe(CONNECT);
    await escape(1);
    await hears(1, OK);
    expect(await ask(3, '#SO=3')).toBe(CONNECT);
    await say(3, 'from port 3');
    await escape(3);
    await hears(3, OK);
    await until(() => network.peer.text === 'from port 3');
    expect(await ask(2, '#SH=3')).toBe(OK);
  });

  test('there are six, and all can be open at once', async () => {
    const { ask, network, until } = await bench();
    await ask(1, '#SGACT=2,1');
    for (const connId of [1, 2, 3, 4, 5, 6]) {
      expect(await ask((connId % 3) + 1, `#SD=${connId},0,80,"peer",0,0,1`)).toBe(OK);
    }
    await until(() => network.peers.length === 6);
    expect((await ask(1, '#SS')).match(/#SS: \d,2,/g)).toHaveLength(6);
    expect(await ask(1, '#SD=7,0,80,"peer"')).toBe(cme(4));
  });

  test('a connId that is online on one port is out of reach of the others', async () => {
    const { ask } = await bench();
    expect(await ask(1, '#SD=1,0,80,"peer"')).toBe(CONNECT);
    for (const command of ['#SO=1', '#SH=1', '#SRECV=1,10', '#SSEND=1']) expect(await ask(2, command)).toBe(cme(552));
    expect(await ask(2, '#SCFG=1,1,300,90,600,50')).toBe(cme(3));
  });
});

describe('at most three online at once', () => {
  test('three ports, three online', async () => {
    const { ask, network, until } = await bench();
    for (const dlci of [1, 2, 3]) expect(await ask(dlci, `#SD=${dlci},0,80,"peer"`)).toBe(CONNECT);
    await until(() => network.peers.length === 3);
  });

  test('or as many as maxOnlinePorts says', async () => {
    const { ask, escape, hears } = await bench({ maxOnlinePorts: 2 });
    for (const dlci of [1, 2]) expect(await ask(dlci, `#SD=${dlci},0,80,"peer"`)).toBe(CONNECT);
    expect(await ask(3, '#SD=3,0,80,"peer"')).toBe(cme(552));
    expect(await ask(3, '#SD=3,0,80,"peer",0,0,1')).toBe(OK);
    expect(await ask(3, '#SO=3')).toBe(cme(552));
    await escape(1);
    await hears(1, OK);
    expect(await ask(3, '#SO=3')).toBe(CONNECT);
  });
});

describe('contexts', () => {
  test('two are active of the five that are defined', async () => {
    const { ask } = await bench();
    await ask(1, '#SCFG=3,3,300,90,600,50');
    expect(await ask(1, '#SGACT=2,1')).toContain('#SGACT: 10.64.0.2');
    expect(await ask(1, '#SGACT=3,1')).toBe(cme(555));
    expect(await ask(1, '#SGACT?')).toBe(
      `\r\n#SGACT: 1,1\r\n#SGACT: 2,1\r\n#SGACT: 3,0\r\n#SGACT: 4,0\r\n#SGACT: 5,0\r\n${OK}`,
    );
    await ask(1, '#SGACT=2,0');
    expect(await ask(2, '#SGACT=3,1')).toContain('#SGACT: 10.64.0.3');
  });

  test('one is activated only with a connId bound to it', async () => {
    const { ask } = await bench();
    expect(await ask(1, '#SGACT=4,1')).toBe(cme(3));
    await ask(1, '#SCFG=6,4,300,90,600,50');
    expect(await ask(1, '#SGACT=4,1')).toContain('#SGACT: 10.64.0.4');
  });

  test('its deactivation closes all that is on it, and says so on the ports that used it', async () => {
    const { ask, hears, network, until } = await bench();
    await ask(1, '#SD=1,0,80,"peer",0,0,1');
    expect(await ask(2, '#SD=2,0,80,"peer"')).toBe(CONNECT);
    expect(await ask(3, '#SGACT=1,0')).toBe(OK);
    await hears(1, NO_CARRIER);
    await hears(2, NO_CARRIER);
    await until(() => network.peers.every(({ closed }) => closed));
    expect(await ask(3, '#SD=3,0,80,"peer"')).toBe(cme(556));
  });

  test('+CGACT activates one that is not for IP Easy', async () => {
    const { ask } = await bench();
    expect(await ask(1, '+CGACT=1,2')).toBe(OK);
    expect(await ask(1, '#SD=4,0,80,"peer"')).toBe(cme(556));
  });
});

describe('PPP', () => {
  test('on context 1 alone', async () => {
    const { ask } = await bench();
    await ask(1, '#SGACT=1,0');
    expect(await ask(1, 'D*99***2#')).toBe(cme(3));
    expect(await ask(1, 'D*99***1#')).toContain(CONNECT);
  });

  test('not together with IP Easy on it, in either order; IP Easy on another context is fine', async () => {
    const { ask } = await bench();
    expect(await ask(2, 'D*99***1#')).toBe(cme(3));
    await ask(1, '#SGACT=1,0');
    expect(await ask(2, 'D*99***1#')).toContain(CONNECT);
    expect(await ask(1, '#SGACT=1,1')).toBe(cme(554));
    expect(await ask(1, '#SGACT=2,1')).toContain(OK);
    expect(await ask(1, '#SD=4,0,80,"peer",0,0,1')).toBe(OK);
    expect(await ask(3, 'D*99***1#')).toBe(cme(3));
  });
});

describe('listeners', () => {
  const options = { listenPorts: { 1024: 0, 1025: 0 } };

  test('no two on one port; TCP and UDP do not meet', async () => {
    const { ask } = await bench(options);
    expect(await ask(1, '#SL=1,1,1024')).toBe(OK);
    expect(await ask(2, '#SL=2,1,1024')).toBe(cme(564));
    expect(await ask(2, '#SL=2,1,1025')).toBe(OK);
    expect(await ask(3, '#SLUDP=3,1,1024')).toBe(OK);
    expect(await ask(1, '#SH=1')).toBe(OK);
    expect(await ask(1, '#SL=1,1,1025')).toBe(cme(564));
    expect(await ask(1, '#SL=1,1,1024')).toBe(OK);
  });

  test('nobody comes in without a rule of the firewall, and no rule is needed to go out', async () => {
    const { ask, hears, until, listeningPorts, network, take, clock } = await bench(options);
    expect(await ask(2, '#SD=2,0,80,"peer",0,0,1')).toBe(OK);
    await until(() => network.peers.length === 1);
    await ask(1, '#SL=1,1,1024');
    // Dropped, which on a machine of one's own is a connection that ends at once.
    await dialNetwork(listeningPorts[0] ?? 0).catch(() => undefined);
    for (let turn = 0; turn < 20; turn++) {
      await clock.advance(50);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(take(1)).toBe('');
    expect(await ask(1, '#FRWL=1,"127.0.0.1","255.0.0.0"')).toBe(OK);
    const peer = await dialNetwork(listeningPorts[0] ?? 0);
    onTestFinished(() => {
      peer.socket.destroy();
    });
    await hears(1, '\r\nSRING: 1\r\n');
    expect(await ask(1, '#SA=1')).toBe(CONNECT);
    peer.send('in');
    await hears(1, 'in');
  });
});

describe('one FTP session', () => {
  test('of the port that opened it', async () => {
    const { ask, network, until } = await bench();
    const opening = ask(2, '#FTPOPEN="peer","user","password",1');
    await until(() => network.peers.length === 1);
    network.peer.send('220 ready\r\n');
    await until(() => network.peer.text.includes('USER'));
    network.peer.send('331 go on\r\n');
    await until(() => network.peer.text.includes('PASS'));
    network.peer.send('230 in\r\n');
    await until(() => network.peer.text.includes('TYPE'));
    network.peer.send('200 binary\r\n');
    expect(await opening).toBe(OK);
    expect(await ask(1, '#FTPPWD')).toBe(cme(612));
    expect(await ask(3, '#FTPOPEN="peer","user","password",1')).toBe(cme(612));
    expect(await ask(2, '#FTPOPEN="peer","user","password",1')).toBe(cme(608));
    const closing = ask(2, '#FTPCLOSE');
    await until(() => network.peer.text.includes('QUIT'));
    network.peer.send('221 bye\r\n');
    expect(await closing).toBe(OK);
    expect(await ask(1, '#FTPPWD')).toBe(cme(607));
  });
});

describe('old commands', () => {
  test('#SKTOP on the first port only', async () => {
    const { ask } = await bench();
    await ask(1, '#SGACT=1,0');
    await ask(1, '#SKTSET=0,80,"peer"');
    expect(await ask(2, '#SKTOP')).toBe(cme(3));
    expect(await ask(3, '#SKTOP')).toBe(cme(3));
    expect(await ask(1, '#SKTOP')).toBe(CONNECT);
  });

  test('+++ closes old sockets and suspends new ones', async () => {
    const { ask, escape, hears, network, until } = await bench();
    expect(await ask(1, '#SD=1,0,80,"peer"')).toBe(CONNECT);
    expect(await ask(2, '#SKTD=0,80,"peer"')).toBe(CONNECT);
    await until(() => network.peers.length === 2);
    const [first, second] = network.peers;
    await escape(1);
    await escape(2);
    await hears(1, OK);
    await hears(2, NO_CARRIER);
    await until(() => second?.ended === true);
    expect(first?.ended).toBe(false);
    expect(await ask(3, '#SS=1')).toContain('#SS: 1,2,');
  });

  test.each([
    [0, 'before+++'],
    [1, 'before'],
  ])('#SKIPESC=%i: the peer gets the octets of the escape sequence, or not', async (mode, text) => {
    const { ask, say, escape, hears, network, until } = await bench();
    await ask(1, `#SKIPESC=${mode}`);
    expect(await ask(1, '#SD=1,0,80,"peer"')).toBe(CONNECT);
    await until(() => network.peers.length === 1);
    await say(1, 'before');
    await escape(1);
    await hears(1, OK);
    await until(() => network.peer.text === text);
  });

  test('three #SKTD at once, one to a port', async () => {
    const { ask, network, until } = await bench();
    for (const dlci of [1, 2, 3]) expect(await ask(dlci, '#SKTD=0,80,"peer"')).toBe(CONNECT);
    await until(() => network.peers.length === 3);
  });
});

describe('suspended sockets', () => {
  test('buffer what comes, and give it behind the CONNECT of #SO', async () => {
    const { ask, escape, hears, network, until, say } = await bench();
    expect(await ask(1, '#SD=1,0,80,"peer"')).toBe(CONNECT);
    await until(() => network.peers.length === 1);
    await escape(1);
    await hears(1, OK);
    network.peer.send('kept');
    await hears(1, '\r\nSRING: 1\r\n');
    expect(await ask(1, '#SS=1')).toContain('#SS: 1,3,');
    await say(1, 'AT#SO=1\r');
    await hears(1, `${CONNECT}kept`);
  });

  test.each([
    [0, '\r\nSRING: 1\r\n', ''],
    [1, '\r\nSRING: 1,5\r\n', '\r\nSRING: 1,10\r\n'],
    [2, '\r\nSRING: 1,5,hello\r\n', '\r\nSRING: 1,5,hello\r\n'],
  ])('tell of it in SRING mode %i', async (mode, first, second) => {
    const { ask, hears, network, until, clock, take } = await bench();
    await ask(1, `#SCFGEXT=1,${mode},0,0`);
    await ask(1, '#SD=1,0,80,"peer",0,0,1');
    await until(() => network.peers.length === 1);
    network.peer.send('hello');
    await hears(1, first);
    network.peer.send('hello');
    if (second === '') {
      await clock.advance(100);
      expect(take(1)).toBe('');
    } else await hears(1, second);
  });
});

describe('timers', () => {
  test('<maxTo>: a socket on which nothing moves is closed, also a suspended one', async () => {
    const { ask, hears, clock } = await bench();
    await ask(1, '#SCFG=1,1,300,30,600,50');
    await ask(1, '#SD=1,0,80,"peer",0,0,1');
    await clock.advance(29_000);
    expect(await ask(1, '#SS=1')).toContain('#SS: 1,2,');
    await clock.advance(2000);
    await hears(1, NO_CARRIER);
  });

  test('<txTo>: what is short of a packet leaves after that time', async () => {
    const { ask, say, clock, network, until } = await bench();
    await ask(1, '#SCFG=1,1,300,90,600,50');
    expect(await ask(1, '#SD=1,0,80,"peer"')).toBe(CONNECT);
    await until(() => network.peers.length === 1);
    await say(1, 'short');
    await clock.advance(4500);
    expect(network.peer.text).toBe('');
    await clock.advance(600);
    await until(() => network.peer.text === 'short');
  });
});

describe('circuits', () => {
  test.each([
    ['&C0', true, true],
    ['&C1', false, true],
    ['&C2', true, true],
  ])('DCD under %s', async (command, inCommandMode, online) => {
    const { ask, port, escape, hears } = await bench();
    await ask(1, command);
    expect(port(1).circuits.dcd).toBe(inCommandMode);
    expect(await ask(1, '#SD=1,0,80,"peer"')).toBe(CONNECT);
    expect(port(1).circuits.dcd).toBe(online);
    await escape(1);
    await hears(1, OK);
    expect(port(1).circuits.dcd).toBe(inCommandMode);
  });

  test.each([
    ['&D0', '', '#SS: 1,1,'],
    ['&D1', OK, '#SS: 1,2,'],
    ['&D2', NO_CARRIER, '#SS: 1,0'],
  ])('DTR under %s, by the modem status of the virtual port', async (command, says, status) => {
    const { ask, port, clock, until, take, network } = await bench();
    await ask(1, command);
    expect(await ask(1, '#SD=1,0,80,"peer"')).toBe(CONNECT);
    await until(() => network.peers.length === 1);
    await clock.run(port(1).setCircuits({ dtr: false }));
    await clock.advance(200);
    expect(await ask(2, '#SS=1')).toContain(status);
    expect(take(1)).toBe(says);
    if (command === '&D2') await until(() => network.peer.ended);
  });

  test('&D1 closes an old socket as &D2 does', async () => {
    const { ask, port, clock, network, until, hears } = await bench();
    await ask(1, '&D1');
    expect(await ask(1, '#SKTD=0,80,"peer"')).toBe(CONNECT);
    await until(() => network.peers.length === 1);
    await clock.run(port(1).setCircuits({ dtr: false }));
    await hears(1, NO_CARRIER);
    await until(() => network.peer.ended);
  });
});
