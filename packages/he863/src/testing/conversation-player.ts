import { HE863, startMultiplexer, type Multiplexer } from '@cellmux/cmux';
import { fromHex, fromLatin1, latin1, memoryPair, prepend, toHex, type Port } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { PppLink } from '@cellmux/ppp';
import type { Subscription } from 'rxjs';
import { VirtualHe863, type VirtualHe863Options } from '../index.ts';
import type { Conversation, ConversationStep } from './conversation.ts';
import { NetworkEnds } from './network-ends.ts';

/** Virtual time that an answer may take: as long as the online transmit timer holds bytes back, and some more. */
const PATIENCE_MS = 8000;

/** A port of a module as the host has it, and what has come on it. */
interface Ear {
  readonly port: Port;
  text: string;
  subscription: Subscription;
}

/**
 * Plays a conversation against virtual modules whose network is this machine, in virtual time, and throws an Error at
 * the first step that goes otherwise. `virtual`: port A is DLCI 1 of the multiplexer instead of the line.
 */
export async function play(conversation: Conversation, how: 'bare' | 'virtual'): Promise<void> {
  const player = new Player(conversation, how);
  try {
    await player.run();
  } finally {
    await player.close();
  }
}

class Player {
  readonly #conversation: Conversation;
  readonly #how: 'bare' | 'virtual';
  readonly #clock = new VirtualClock();
  readonly #ends = new NetworkEnds();
  readonly #modules = new Map<string, VirtualHe863>();
  readonly #multiplexers: Multiplexer[] = [];
  readonly #ears = new Map<string, Ear>();
  readonly #listenPorts: Record<number, number> = {};
  #number = 0;
  /** Lines that may come and have not. */
  #optional: string[] = [];

  constructor(conversation: Conversation, how: 'bare' | 'virtual') {
    this.#conversation = conversation;
    this.#how = how;
  }

  async run(): Promise<void> {
    await this.#setUp();
    const { steps } = this.#conversation;
    for (const [index, step] of steps.entries()) {
      this.#number = index + 1;
      await this.#step(step, steps[index + 1]);
    }
    await this.#until(() => false, 0);
    for (const [key, ear] of this.#ears) {
      this.#dropOptional(ear);
      // The answers to frames that nobody waits for: the UAs of the end.
      if (ear.text !== '' && !ear.text.startsWith('\xf9'))
        throw this.#wrong(`${key} says more: ${JSON.stringify(ear.text)}`);
    }
  }

  async close(): Promise<void> {
    for (const module of this.#modules.values()) await module.close();
    this.#ends.close();
  }

  async #setUp(): Promise<void> {
    const { steps, name } = this.#conversation;
    const all = JSON.stringify(steps);
    // Ports that the module listens on get free ones of the machine; hosts that it dials get servers.
    for (const [, multi, single] of all.matchAll(/#SL ?= ?\d, ?1, ?(\d+)|#SKTL=1,0,(\d+)/g)) {
      const port = Number(multi ?? single);
      if (port > 0) this.#listenPorts[port] ??= await NetworkEnds.freePort();
    }
    const hosts: Record<string, string> = {};
    for (const { peer, on, note } of steps) {
      if (peer === undefined || on !== 'connect' || note === 'RST') continue;
      const target = peer.replace(/^\w+:/, '').replace(/#.*/, '');
      const listenPort = this.#listenPorts[Number(target.split(':')[1])];
      if (listenPort !== undefined) hosts[target] = `127.0.0.1:${listenPort}`;
      else if (peer.startsWith('ftp:')) hosts[target] ??= await this.#ends.listenFtp(target);
      else hosts[target] ??= await this.#ends.listen(target);
    }
    if (/RST/.test(all)) hosts['88.37.127.146:81'] = `127.0.0.1:${await NetworkEnds.freePort()}`;
    for (const module of new Set(steps.flatMap(({ port }) => (port === undefined ? [] : [port.charAt(0)])))) {
      await this.#startModule(module, hosts, name);
    }
  }

  async #startModule(letter: string, hosts: Record<string, string>, name: string): Promise<void> {
    const own = this.#conversation.steps.filter(({ port }) => port?.startsWith(letter));
    const text = JSON.stringify(own);
    const address = addressIn(JSON.stringify(this.#conversation.assumes)) ?? addressIn(text) ?? '217.202.12.22';
    const dialled = [...text.matchAll(/#SS: \d,[123],[\d.]+,(\d+),/g)].map((match) => Number(match[1]));
    const localPorts = dialled.filter((port) => this.#listenPorts[port] === undefined);
    const from = name === 'firewall_rule_match' ? '197.158.200.7' : '88.37.127.146';
    const options: VirtualHe863Options = {
      clock: this.#clock,
      hosts,
      machineNames: false,
      addresses: { 1: address },
      listenPorts: this.#listenPorts,
      peerAddresses: { '127.0.0.1': from },
      // Longer than it takes to bring about the counters of #SI, shorter than the silence before the last of them.
      acknowledgeMs: name === 'si_all_sockets' ? 30_000 : 0,
      ppp: { auth: 'pap', user: 'user', password: 'password' },
      ...(localPorts.length > 0 ? { firstLocalPort: Math.min(...localPorts) } : {}),
    };

    const { dte, dce } = memoryPair({ name: letter });
    const usesVirtualPorts = own.some(({ port }) => port?.includes('.dlc'));
    const speaksFrames = own.some(({ sendHex }) => sendHex !== undefined);
    // Whoever speaks in frames cannot switch echo off on the virtual port first: it is off in its profile.
    const module = new VirtualHe863({ ...options, ...(speaksFrames ? { nvm: { 'profiles.1.0': { E: 0 } } } : {}) });
    this.#modules.set(letter, module);
    module.serve(dce);
    const isMultiplexed = (usesVirtualPorts || this.#how === 'virtual') && !speaksFrames;
    if (isMultiplexed) await this.#multiplex(letter, dte);
    else this.#listen(letter, dte);
    const ears = [...this.#ears.keys()].filter((key) => key.startsWith(letter));
    for (const key of ears) await this.#say(key, 'ATE0V1+CMEE=2;#SKIPESC=1\r');
    await this.#assume(ears[0] ?? letter);
    for (const key of ears) this.#ear(key).text = '';
    if (speaksFrames) this.#listen(`${letter}.dlc1`, dte, dlci1Text);
  }

  async #multiplex(letter: string, line: Port): Promise<void> {
    const clock = this.#clock;
    const multiplexer = await clock.run(startMultiplexer(line, { profile: HE863, clock }));
    this.#multiplexers.push(multiplexer);
    for (const dlci of [1, 2, 3]) {
      const port = await clock.run(multiplexer.open(dlci));
      this.#listen(`${letter}.dlc${dlci}`, port);
    }
  }

  /** Brings about what the conversation takes for granted. */
  async #assume(key: string): Promise<void> {
    const assumes = this.#conversation.assumes.join('; ');
    const commands: string[] = [];
    if (/context 1 is|#SKTOP|legacy/.test(assumes + this.#conversation.name))
      commands.push('AT+CGDCONT=1,"IP","internet"');
    if (/only context 1|no context is active/.test(assumes)) commands.push('AT+CGDCONT=1,"IP","internet"');
    if (/context 1 is active/.test(assumes)) commands.push('AT#SGACT=1,1');
    for (const command of commands) {
      await this.#say(key, `${command}\r`);
      const { text } = this.#ear(key);
      if (!text.endsWith('\r\nOK\r\n')) throw new Error(`set-up: ${command} gave ${JSON.stringify(text)}`);
    }
  }

  async #say(key: string, text: string): Promise<void> {
    await this.#ear(key).port.send(latin1(text));
    await this.#clock.advance(100);
  }

  #listen(key: string, port: Port, read: (text: string) => string = (text) => text): void {
    const ear: Ear = { port, text: '', subscription: undefined as unknown as Subscription };
    ear.subscription = port.received$.subscribe({
      next: (chunk) => {
        ear.text += read(fromLatin1(chunk));
      },
      error: () => undefined,
    });
    this.#ears.set(key, ear);
  }

  /** A port of the conversation; `A` alone is DLCI 1 where the line carries the multiplexer. */
  #ear(name: string): Ear {
    const ear = this.#ears.get(name) ?? this.#ears.get(`${name}.dlc1`);
    if (ear === undefined) throw this.#wrong(`there is no port ${name}`);
    return ear;
  }

  async #step(step: ConversationStep, next: ConversationStep | undefined): Promise<void> {
    if (step.peer !== undefined) return this.#peerStep(step, step.peer);
    const ear = this.#ear(step.port ?? '');
    if (step.send !== undefined) await this.#clock.run(ear.port.send(latin1(step.send)));
    else if (step.sendHex !== undefined) await ear.port.send(fromHex(step.sendHex) as Uint8Array);
    else if (step.quietMs !== undefined) await this.#quiet(ear, step, next);
    else if (step.ppp !== undefined) await this.#ppp(ear);
    else if (step.expectHexAny === true) ear.text = '';
    else await this.#expect(ear, step);
  }

  /** Silence of the host. What comes meanwhile must be what is expected next on this port. */
  async #quiet(ear: Ear, { quietMs = 0, port }: ConversationStep, next: ConversationStep | undefined): Promise<void> {
    await this.#clock.advance(quietMs);
    if (ear.text !== '' && (next?.port !== port || next?.send !== undefined)) {
      throw this.#wrong(`silence was due, and ${JSON.stringify(ear.text)} came`);
    }
  }

  async #expect(ear: Ear, step: ConversationStep): Promise<void> {
    const patterns = patternsOf(step);
    const match = (): RegExpExecArray | undefined => {
      this.#dropOptional(ear);
      return patterns.map((pattern) => pattern.exec(ear.text)).find((found) => found !== null) ?? undefined;
    };
    if (step.optional === true) {
      await this.#until(() => match() !== undefined, 0);
      const found = match();
      if (found !== undefined) ear.text = ear.text.slice(found[0].length);
      // An unsolicited line may as well come behind the result that is expected next.
      else if (step.expect !== undefined) this.#optional.push(step.expect);
      return;
    }
    await this.#until(() => match() !== undefined, PATIENCE_MS);
    const found = match();
    if (found === undefined) {
      const wanted = step.expect ?? step.expectRe ?? step.expectHex;
      throw this.#wrong(`wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(ear.text)}`);
    }
    ear.text = ear.text.slice(found[0].length);
  }

  #dropOptional(ear: Ear): void {
    const index = this.#optional.findIndex((text) => ear.text.startsWith(text));
    if (index < 0) return;
    ear.text = ear.text.slice(this.#optional[index]?.length);
    this.#optional.splice(index, 1);
  }

  async #peerStep({ on, data = '', note = '' }: ConversationStep, peer: string): Promise<void> {
    const ends = this.#ends;
    const target = peer.replace(/^\w+:/, '').replace(/#.*/, '');
    const listenPort = this.#listenPorts[Number(target.split(':')[1])];
    switch (on) {
      case 'connect':
        if (note === 'RST') return;
        if (listenPort !== undefined) {
          // With two modules it is the other one that dials.
          if (this.#modules.size === 1) ends.dial(peer, listenPort);
          return;
        }
        await this.#until(() => ends.connection(peer) !== undefined, PATIENCE_MS);
        if (ends.connection(peer) === undefined) throw this.#wrong(`${peer} was not dialled`);
        return;
      case 'send':
        ends.connection(peer)?.socket.write(Buffer.from(data, 'latin1'));
        // What a host then asks for in command mode must be with the module: no unsolicited line says so.
        if (peer.startsWith('ftp:')) await this.#until(() => false, 0);
        return;
      case 'recv':
        await this.#until(() => ends.received(peer).length >= data.length && data !== '', PATIENCE_MS);
        if (!ends.received(peer).startsWith(data) || (data === '' && ends.received(peer) !== '')) {
          throw this.#wrong(`${peer} was to get ${JSON.stringify(data)}, got ${JSON.stringify(ends.received(peer))}`);
        }
        ends.take(peer, data.length);
        return;
      case 'close':
        if (note.includes('module sends FIN')) {
          await this.#until(() => ends.connection(peer)?.ended === true, PATIENCE_MS);
          if (ends.connection(peer)?.ended !== true) throw this.#wrong(`${peer} saw no end`);
        } else ends.connection(peer)?.socket.end();
        if (peer.startsWith('ftp:')) await this.#until(() => false, 0);
        return;
      case undefined:
        throw this.#wrong('a step without an action');
    }
  }

  /** LCP, PAP, IPCP and the end of all of them, as a terminal. */
  async #ppp(ear: Ear): Promise<void> {
    ear.subscription.unsubscribe();
    const link = new PppLink(prepend(ear.port, latin1(ear.text)), {
      user: 'user',
      password: 'password',
      watchCarrier: false,
      clock: this.#clock,
    });
    await this.#clock.run(link.open());
    await this.#clock.run(link.close());
    const key = [...this.#ears].find(([, value]) => value === ear)?.[0] ?? '';
    this.#listen(key, link.released);
  }

  /** Waits for the machine's network, and in virtual time. */
  async #until(isSo: () => boolean, patienceMs: number): Promise<void> {
    for (let turn = 0; turn < 40 && !isSo(); turn++) await this.#moment(turn);
    for (let passedMs = 0; passedMs < patienceMs && !isSo(); passedMs += 50) {
      await this.#clock.advance(50);
      await this.#moment(passedMs % 500 === 0 ? 20 : 0);
    }
  }

  async #moment(turn: number): Promise<void> {
    await this.#clock.advance(0);
    await new Promise((resolve) => setTimeout(resolve, turn < 10 ? 0 : 1));
  }

  #wrong(what: string): Error {
    return new Error(`${this.#conversation.name}, step ${this.#number}: ${what}`);
  }
}

/** MSC commands of the module, which may come at any time once a DLC is open. */
const MODEM_STATUS = '\xf9\x01\xef\x09\xe3\x05[^]{3}\xf9';

/** What may come: text with `@X` for addresses that are known only now, a regular expression, or frames. */
function patternsOf({ expect, alt = [], expectRe, expectHex }: ConversationStep): RegExp[] {
  if (expectRe !== undefined) return [new RegExp(expectRe)];
  if (expectHex !== undefined)
    return [new RegExp(`^(?:${MODEM_STATUS})*${escaped(fromLatin1(fromHex(expectHex) as Uint8Array))}`)];
  return [expect ?? '', ...alt].map(
    (text) =>
      new RegExp(
        `^${escaped(text)
          .replace(/@[0-9A-Z](?=,)/g, '[\\d.]+')
          .replace(/88\\\.37\\\.127\\\.146,40000/g, '88\\.37\\.127\\.146,\\d+')}`,
      ),
  );
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function addressIn(text: string): string | undefined {
  return /(?:#SGACT: \\?"?|local address |\+IP: |#SS: \d,\d,)(\d+\.\d+\.\d+\.\d+)/.exec(text)?.[1];
}

/** The text of the UIH frames of DLCI 1 in what a line says; frames are not split in these conversations. */
function dlci1Text(line: string): string {
  const hex = toHex(latin1(line));
  let text = '';
  for (const [, length, rest] of hex.matchAll(/F90[57]EF(..)((?:(?!F9F9).)*)/g)) {
    const octets = parseInt(length ?? '00', 16) >> 1;
    text += fromLatin1(fromHex((rest ?? '').slice(0, octets * 2)) ?? new Uint8Array());
  }
  return text;
}
