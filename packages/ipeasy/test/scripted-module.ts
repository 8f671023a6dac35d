import { concatBytes, fromLatin1, latin1, systemClock, type Clock, type Port } from '@cellmux/port';

/** The network's end of one connection of the scripted module. */
export class Peer {
  readonly connId: number;
  readonly host: string;
  readonly port: number;
  readonly #received: Uint8Array[] = [];
  readonly #module: ScriptedModule;
  /** Sent by the peer and not yet in the module's buffer: its window is full. */
  outside: Uint8Array[] = [];
  /** In the module's buffer. */
  buffer: Uint8Array = new Uint8Array(0);
  hasEnded = false;
  /** The module has closed its side. */
  isClosedByModule = false;
  saidNoCarrier = false;
  /** Sizes of the datagrams in the buffer, for UDP. */
  datagrams: number[] | undefined;
  onReceived: ((bytes: Uint8Array) => void) | undefined;

  constructor(module: ScriptedModule, connId: number, host: string, port: number) {
    this.#module = module;
    this.connId = connId;
    this.host = host;
    this.port = port;
  }

  get received(): Uint8Array {
    return concatBytes(this.#received);
  }

  send(bytes: Uint8Array | string): void {
    this.outside.push(typeof bytes === 'string' ? latin1(bytes) : bytes);
    this.#module.flow(this);
  }

  end(): void {
    this.hasEnded = true;
    this.#module.flow(this);
  }

  take(bytes: Uint8Array): void {
    this.#received.push(bytes);
    this.onReceived?.(bytes);
  }
}

export interface ScriptedModuleOptions {
  readonly clock?: Clock;
  /** Octets that one connId buffers. */
  readonly windowBytes?: number;
  /** Answer of #SD: nothing means it connects. */
  readonly onDial?: (host: string, port: number) => { readonly cme: number } | 'never' | undefined;
  /** Called with each connection. */
  readonly onConnect?: (peer: Peer) => void;
  /** What `#SSENDEXT=?` says; undefined: ERROR. */
  readonly sendTest?: string;
  /** Says NO CARRIER, and shows the connId closed, as soon as the peer has ended, with data still to be read. */
  readonly closesEarly?: boolean;
  /** Whether #SRECV takes a third parameter for datagrams. */
  readonly udpInfo?: boolean;
  /** More commands; true when it has answered. */
  readonly more?: (line: string, io: ModuleIo) => boolean;
  /** Commands answered with a bare ERROR or +CME ERROR. */
  readonly refuse?: (line: string) => number | true | undefined;
}

/** What a command of a test answers with. */
export interface ModuleIo {
  result(text: string): void;
  answer(lines: readonly string[]): void;
  raw(bytes: Uint8Array | string): void;
  /** CONNECT, then all that comes goes to the receiver; `+++` ends it with this result. */
  online(receiver: (bytes: Uint8Array) => void, escapeResult: string, onEscaped: () => void): void;
  /** The far side ends it: NO CARRIER. */
  noCarrier(): void;
  /** `> `, then text up to Ctrl-Z. */
  prompt(done: (text: string) => void): void;
}

/** A module for tests: sockets over scripted peers, one AT port, answers at once. */
export class ScriptedModule {
  /** Every command line received. */
  readonly lines: string[] = [];
  readonly peers = new Map<number, Peer>();
  readonly #port: Port;
  readonly #options: ScriptedModuleOptions;
  readonly #clock: Clock;
  #input = '';
  #prompt: { readonly connId: number; count: number; text: string } | undefined;
  #online: Peer | undefined;
  #printed: Promise<unknown> = Promise.resolve();
  #held: string[] = [];
  #busy = false;
  #dialling = false;
  #muted = false;
  #isLeaving = false;
  #escaping = false;
  #stream: { receiver: (bytes: Uint8Array) => void; escapeResult: string; onEscaped: () => void } | undefined;
  #textPrompt: ((text: string) => void) | undefined;
  readonly scfg = new Map<number, string>();
  readonly scfgext = new Map<number, string>();
  activeCids = new Set<number>([1]);
  cmee = 0;
  /** connId to port, and who waits there for #SA. */
  readonly listeners = new Map<number, { readonly port: number; readonly udp: boolean; waiting?: Peer }>();
  readonly rules: string[] = [];
  readonly counters = new Map<number, { sent: number; received: number }>();

  constructor(port: Port, options: ScriptedModuleOptions = {}) {
    this.#port = port;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    for (let connId = 1; connId <= 6; connId++) {
      this.scfg.set(connId, `${connId},${connId <= 3 ? 1 : 2},300,90,600,50`);
      this.scfgext.set(connId, `${connId},0,0,0,0,0`);
    }
    port.received$.subscribe({
      next: (chunk) => {
        this.#take(chunk);
      },
      error: () => undefined,
    });
  }

  /** Lines that begin so. */
  count(prefix: string): number {
    return this.lines.filter((line) => line.startsWith(prefix)).length;
  }

  /** Power cycle: everything closed without a word, echo and CMEE as after boot. */
  reset(): void {
    this.peers.clear();
    this.listeners.clear();
    this.cmee = 0;
    this.activeCids.clear();
    this.#online = undefined;
  }

  /** Swallows everything from now on. */
  mute(): void {
    this.#muted = true;
  }

  /** Takes nothing more from the line, as a module does whose peer does not read; or goes on. */
  holdLine(isHeld: boolean): void {
    if (isHeld) this.#port.pause();
    else this.#port.resume();
  }

  urc(text: string): void {
    if (this.#busy || this.#dialling || this.#prompt !== undefined || this.#online !== undefined) this.#held.push(text);
    else this.#print(`\r\n${text}\r\n`);
  }

  /** Somebody connects to a port that the module listens on; undefined when nobody listens. */
  knock(port: number): Peer | undefined {
    for (const [connId, listener] of this.listeners) {
      if (listener.port !== port || listener.waiting !== undefined) continue;
      const peer = new Peer(this, connId, '198.51.100.9', 50_000);
      if (listener.udp) peer.datagrams = [];
      if (this.scfgext.get(connId)?.split(',')[4] === '1') {
        this.listeners.delete(connId);
        this.peers.set(connId, peer);
        this.#goOnline(peer);
        this.#print('\r\nCONNECT\r\n');
        return peer;
      }
      listener.waiting = peer;
      this.urc(`SRING: ${connId}`);
      return peer;
    }
    return undefined;
  }

  /** Takes a context away, and its sockets with it. */
  loseContext(cid: number): void {
    this.activeCids.delete(cid);
    for (const [connId] of this.peers) {
      this.peers.delete(connId);
      this.urc('NO CARRIER');
    }
    for (const [connId] of this.listeners) {
      this.listeners.delete(connId);
      this.urc('#SL: ABORTED');
    }
  }

  /** Moves data of a peer into the module, as far as there is room, and tells. */
  flow(peer: Peer): void {
    const window = this.#options.windowBytes ?? 8192;
    if (this.peers.get(peer.connId) !== peer) return;
    if (this.#online === peer && this.#escaping) {
      // What comes now is neither on the line nor announced.
      for (const bytes of peer.outside.splice(0)) peer.buffer = concatBytes([peer.buffer, bytes]);
      return;
    }
    if (this.#online === peer) {
      for (const bytes of peer.outside.splice(0)) this.#send(bytes);
      if (peer.hasEnded) {
        this.peers.delete(peer.connId);
        this.#print('\r\nNO CARRIER\r\n');
        this.#leaveOnline();
        this.#release();
      }
      return;
    }
    for (;;) {
      const next = peer.outside[0];
      const room = window - peer.buffer.length;
      if (next === undefined || room <= 0) break;
      const part = next.subarray(0, room);
      peer.buffer = concatBytes([peer.buffer, part]);
      peer.datagrams?.push(part.length);
      if (part.length === next.length) peer.outside.shift();
      else peer.outside[0] = next.subarray(part.length);
      this.urc(`SRING: ${peer.connId},${peer.buffer.length}`);
    }
    if (!peer.hasEnded || peer.outside.length > 0 || (peer.buffer.length > 0 && this.#options.closesEarly !== true))
      return;
    if (peer.buffer.length === 0) this.peers.delete(peer.connId);
    if (!peer.saidNoCarrier) this.urc('NO CARRIER');
    peer.saidNoCarrier = true;
  }

  #take(chunk: Uint8Array): void {
    if (this.#muted) return;
    const text = fromLatin1(chunk);
    const stream = this.#stream;
    if (stream !== undefined) {
      if (text !== '+++') stream.receiver(chunk);
      else {
        this.#clock.after(1000, () => {
          if (this.#stream !== stream) return;
          this.#stream = undefined;
          stream.onEscaped();
          this.#print(`\r\n${stream.escapeResult}\r\n`);
          this.#leaveOnline();
          this.#release();
        });
      }
      return;
    }
    const online = this.#online;
    if (online !== undefined) {
      if (text === '+++') {
        this.#clock.after(500, () => {
          this.#escaping = this.#online === online;
        });
        this.#clock.after(1000, () => {
          this.#escaping = false;
          if (this.#online !== online) return;
          this.#print('\r\nOK\r\n');
          this.#leaveOnline();
          this.#release();
          this.#clock.after(50, () => {
            this.flow(online);
          });
        });
      } else {
        online.take(chunk);
      }
      return;
    }
    this.#input += text;
    if (!this.#isLeaving) this.#readInput();
  }

  #readInput(): void {
    for (;;) {
      if (this.#textPrompt !== undefined) {
        const end = this.#input.indexOf('\x1a');
        if (end < 0) return;
        const done = this.#textPrompt;
        this.#textPrompt = undefined;
        const body = this.#input.slice(0, end);
        this.#input = this.#input.slice(end + 1);
        done(body);
        continue;
      }
      if (this.#prompt !== undefined) {
        const part = this.#input.slice(0, this.#prompt.count);
        this.#input = this.#input.slice(part.length);
        this.#prompt.text += part;
        this.#prompt.count -= part.length;
        if (this.#prompt.count > 0) return;
        const { connId, text: body } = this.#prompt;
        this.#prompt = undefined;
        const peer = this.peers.get(connId);
        this.#counter(connId).sent += body.length;
        this.#print(peer === undefined ? '\r\n+CME ERROR: 563\r\n' : '\r\nOK\r\n');
        peer?.take(latin1(body));
        this.#release();
        continue;
      }
      const end = this.#input.indexOf('\r');
      if (end < 0) return;
      const line = this.#input.slice(0, end);
      this.#input = this.#input.slice(end + 1);
      this.lines.push(line);
      this.#busy = true;
      this.#execute(line);
      this.#busy = false;
      this.#release();
    }
  }

  readonly #io: ModuleIo = {
    result: (text) => {
      this.#result(text);
    },
    answer: (lines) => {
      this.#answer(lines);
    },
    raw: (bytes) => {
      this.#send(typeof bytes === 'string' ? latin1(bytes) : bytes);
    },
    online: (receiver, escapeResult, onEscaped) => {
      this.#port.setCircuits({ dcd: true }).catch(() => undefined);
      this.#result('CONNECT');
      this.#stream = { receiver, escapeResult, onEscaped };
    },
    noCarrier: () => {
      this.#stream = undefined;
      this.#print('\r\nNO CARRIER\r\n');
      this.#leaveOnline();
    },
    prompt: (done) => {
      this.#textPrompt = done;
      this.#print('\r\n> ');
    },
  };

  #execute(line: string): void {
    const refused = this.#options.refuse?.(line);
    if (refused !== undefined) return this.#result(refused === true ? 'ERROR' : `+CME ERROR: ${refused}`);
    if (this.#options.more?.(line, this.#io) === true) return;
    const [, name = '', rest = ''] = /^AT([#+]?[A-Z]+)(.*)$/.exec(line) ?? [];
    const args = rest
      .slice(1)
      .split(',')
      .map((argument) => argument.replaceAll('"', ''));
    const connId = Number(args[0]);
    const peer = this.peers.get(connId);
    switch (name) {
      case 'E':
      case '+CGDCONT':
      case '+CGQMIN':
      case '#SKIPESC':
      case '+CGQREQ':
        return this.#result('OK');
      case '+CMEE':
        if (rest === '?') return this.#answer([`+CMEE: ${this.cmee}`]);
        this.cmee = connId;
        return this.#result('OK');
      case '#FRWL':
        if (rest === '?') return this.#answer(this.rules.map((rule) => `#FRWL: ${rule}`));
        if (connId === 2) this.rules.length = 0;
        else if (connId === 1) this.rules.push(args.slice(1).join(','));
        else this.rules.splice(this.rules.indexOf(args.slice(1).join(',')), 1);
        return this.#result('OK');
      case '#SL':
      case '#SLUDP':
        if (args[1] === '0') this.listeners.delete(connId);
        else if ([...this.listeners.values()].some((listener) => listener.port === Number(args[2])))
          return this.#result('+CME ERROR: 564');
        else this.listeners.set(connId, { port: Number(args[2]), udp: name === '#SLUDP' });
        return this.#result('OK');
      case '#SA': {
        const waiting = this.listeners.get(connId)?.waiting;
        if (waiting === undefined || waiting.hasEnded) return this.#result('+CME ERROR: 551');
        this.listeners.delete(connId);
        this.peers.set(connId, waiting);
        if (args[1] !== '1') {
          this.#goOnline(waiting);
          this.#result('CONNECT');
        } else {
          this.#result('OK');
        }
        return this.flow(waiting);
      }
      case '#SS': {
        const ids = rest === '' ? [1, 2, 3, 4, 5, 6] : [connId];
        return this.#answer(ids.map((id) => `#SS: ${this.#status(id)}`));
      }
      case '#SI': {
        const ids = rest === '' ? [1, 2, 3, 4, 5, 6] : [connId];
        return this.#answer(
          ids.map((id) => {
            const { sent, received } = this.#counter(id);
            return `#SI: ${id},${sent},${received},${this.peers.get(id)?.buffer.length ?? 0},0`;
          }),
        );
      }
      case '#SH':
        if (peer !== undefined) peer.isClosedByModule = true;
        this.peers.delete(connId);
        this.listeners.delete(connId);
        return this.#result('OK');
      case '#SCFG':
      case '#SCFGEXT': {
        const table = name === '#SCFG' ? this.scfg : this.scfgext;
        if (rest === '?') return this.#answer([...table.values()].map((values) => `${name}: ${values}`));
        table.set(connId, rest.slice(1));
        return this.#result('OK');
      }
      case '#SGACT':
        if (rest === '?') return this.#answer([`#SGACT: 1,${this.activeCids.has(1) ? 1 : 0}`]);
        if (args[1] === '0') {
          this.activeCids.delete(connId);
          return this.#result('OK');
        }
        if (this.activeCids.has(connId)) return this.#result('+CME ERROR: 553');
        this.activeCids.add(connId);
        return this.#answer([`#SGACT: 10.0.0.${connId}`]);
      case '#CGPADDR':
        return this.#answer([`#CGPADDR: ${connId},"10.0.0.${connId}"`]);
      case '#SD':
        return this.#dial(connId, args);
      case '#SO':
        if (peer === undefined) return this.#result('NO CARRIER');
        this.#goOnline(peer);
        this.#result('CONNECT');
        if (peer.buffer.length > 0) this.#send(peer.buffer);
        peer.buffer = new Uint8Array(0);
        return this.flow(peer);
      case '#SSENDEXT':
        if (rest === '=?') {
          return this.#options.sendTest === undefined
            ? this.#result('ERROR')
            : this.#answer([`#SSENDEXT: ${this.#options.sendTest}`]);
        }
        if (peer === undefined) return this.#result('+CME ERROR: 556');
        this.#prompt = { connId, count: Number(args[1]), text: '' };
        return this.#print('\r\n> ');
      case '#SRECV': {
        if (rest === '=?')
          return this.#answer([`#SRECV: (1-6),(1-1500)${this.#options.udpInfo === true ? ',(0,1)' : ''}`]);
        if (peer === undefined) return this.#result('+CME ERROR: 556');
        if (peer.buffer.length === 0) return this.#result('+CME ERROR: 555');
        const limit = args[2] === '1' ? Math.min(Number(args[1]), peer.datagrams?.shift() ?? 0) : Number(args[1]);
        const bytes = peer.buffer.subarray(0, limit);
        peer.buffer = peer.buffer.subarray(bytes.length);
        this.#counter(connId).received += bytes.length;
        const header =
          args[2] === '1' ? `${peer.host},${peer.port},${connId},${bytes.length},0` : `${connId},${bytes.length}`;
        this.#send(concatBytes([latin1(`\r\n#SRECV: ${header}\r\n`), bytes, latin1('\r\n\r\nOK\r\n')]));
        return this.flow(peer);
      }
      default:
        return this.#result('ERROR');
    }
  }

  #dial(connId: number, args: readonly string[]): void {
    const [, , port = '', host = '', , , mode] = args;
    if (!this.activeCids.has(Number(this.scfg.get(connId)?.split(',')[1]))) return this.#result('+CME ERROR: 556');
    if (this.peers.has(connId)) return this.#result('+CME ERROR: 3');
    const answer = this.#options.onDial?.(host, Number(port));
    if (answer === 'never') {
      this.#dialling = true;
      return;
    }
    if (answer !== undefined) return this.#result(`+CME ERROR: ${answer.cme}`);
    const peer = new Peer(this, connId, host, Number(port));
    if (args[1] === '1') peer.datagrams = [];
    this.peers.set(connId, peer);
    this.counters.set(connId, { sent: 0, received: 0 });
    if (mode === '1') {
      this.#result('OK');
    } else {
      this.#goOnline(peer);
      this.#result('CONNECT');
    }
    this.#options.onConnect?.(peer);
  }

  #goOnline(peer: Peer): void {
    this.#online = peer;
    this.#port.setCircuits({ dcd: true }).catch(() => undefined);
  }

  #leaveOnline(): void {
    this.#online = undefined;
    // Behind what has been printed before: on a line, both take the same way.
    const printed = this.#printed;
    this.#isLeaving = true;
    void printed.then(() => {
      this.#port.setCircuits({ dcd: false }).catch(() => undefined);
      this.#isLeaving = false;
      this.#readInput();
    });
  }

  #status(connId: number): string {
    const listener = this.listeners.get(connId);
    if (listener?.waiting !== undefined) return `${connId},5,10.0.0.1,${listener.port},198.51.100.9,50000`;
    if (listener !== undefined) return `${connId},4,10.0.0.1,${listener.port}`;
    const peer = this.peers.get(connId);
    if (peer === undefined || peer.saidNoCarrier) return `${connId},0`;
    const isAddress = /^[\d.]+$/.test(peer.host);
    const state = this.#online === peer ? 1 : peer.buffer.length > 0 ? 3 : 2;
    return `${connId},${state},10.0.0.1,${40_000 + connId},${isAddress ? peer.host : '192.0.2.1'},${peer.port}`;
  }

  #counter(connId: number): { sent: number; received: number } {
    const counter = this.counters.get(connId) ?? { sent: 0, received: 0 };
    this.counters.set(connId, counter);
    return counter;
  }

  #answer(lines: readonly string[]): void {
    this.#print(`\r\n${lines.join('\r\n')}\r\n\r\nOK\r\n`);
  }

  #result(text: string): void {
    if (this.cmee === 0 && text.startsWith('+CME ERROR')) {
      this.#print('\r\nERROR\r\n');
      return;
    }
    this.#print(`\r\n${text}\r\n`);
  }

  #release(): void {
    if (this.#busy || this.#dialling || this.#prompt !== undefined || this.#online !== undefined) return;
    for (const text of this.#held.splice(0)) this.#print(`\r\n${text}\r\n`);
  }

  #print(text: string): void {
    this.#send(latin1(text));
  }

  #send(bytes: Uint8Array): void {
    this.#printed = this.#port.send(bytes).catch(() => undefined);
  }
}
