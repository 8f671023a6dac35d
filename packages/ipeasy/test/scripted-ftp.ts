import { concatBytes } from '@cellmux/port';
import type { ModuleIo } from './scripted-module.ts';

/** FTP of a module for tests: one session over files in memory. */
export class ScriptedFtp {
  readonly files = new Map<string, Uint8Array>();
  readonly #blocks: boolean;
  readonly #lacks: ReadonlySet<string>;
  isOpen = false;
  /** The server knows no SIZE (RFC 3659), and says so. */
  lacksSize = false;
  /** Cuts transfers after so many octets. */
  cutAfterBytes = Infinity;
  /** What the server said last. */
  lastReply = '226 Transfer complete.';
  #offset = 0;
  #type = 0;
  #packet: { readonly name: string; bytes: Uint8Array } | undefined;

  /** @param options `lacks`: commands that this firmware does not know, without their `#`. */
  constructor({ blocks = false, lacks = [] }: { readonly blocks?: boolean; readonly lacks?: readonly string[] } = {}) {
    this.#blocks = blocks;
    this.#lacks = new Set(lacks);
  }

  /** To be given as `more` to the scripted module. */
  readonly commands = (line: string, io: ModuleIo): boolean => {
    const [, name = '', text = ''] = /^AT#(FTP[A-Z]+)(.*)$/.exec(line) ?? [];
    if (name === '') return false;
    const args = text
      .slice(1)
      .split(',')
      .map((argument) => argument.replaceAll('"', ''));
    const [first = ''] = args;
    if (this.#lacks.has(name)) io.result('ERROR');
    else if (name === 'FTPTO') io.result('OK');
    else if (name === 'FTPOPEN') this.#open(args, io);
    else if (!this.isOpen) io.result('+CME ERROR: 607');
    else if (!this.#command(name, text, first, io)) io.result('ERROR');
    return true;
  };

  #open([, user, password]: readonly string[], io: ModuleIo): void {
    if (this.isOpen) io.result('+CME ERROR: 608');
    else if (user !== 'user' || password !== 'pass') io.result('+CME ERROR: 606');
    else {
      this.isOpen = true;
      io.result('OK');
    }
  }

  #command(name: string, text: string, file: string, io: ModuleIo): boolean {
    const content = this.files.get(file);
    switch (name) {
      case 'FTPCLOSE':
        this.isOpen = false;
        io.result('OK');
        return true;
      case 'FTPTYPE':
        this.#type = Number(file);
        io.result('OK');
        return true;
      case 'FTPPWD':
        io.answer(['#FTPPWD: 257 "/home/gw" is the current directory']);
        return true;
      case 'FTPCWD':
        io.result(file === 'incoming' ? 'OK' : '+CME ERROR: 606');
        return true;
      case 'FTPDELE':
        io.result(this.files.delete(file) ? 'OK' : '+CME ERROR: 606');
        return true;
      case 'FTPFSIZE':
        if (this.lacksSize) this.lastReply = '500 SIZE not understood.';
        if (this.lacksSize || content === undefined || this.#type !== 0) io.result('+CME ERROR: 606');
        else io.answer([`#FTPFSIZE: ${content.length}`]);
        return true;
      case 'FTPMSG':
        io.answer([`#FTPMSG: ${this.lastReply}`]);
        return true;
      case 'FTPREST':
        this.#offset = Number(file);
        io.result('OK');
        return true;
      case 'FTPLIST':
        io.online(
          () => undefined,
          'NO CARRIER',
          () => undefined,
        );
        for (const entry of this.files.keys()) io.raw(`-rw-r--r-- 1 gw gw ${entry}\r\n`);
        io.noCarrier();
        return true;
      case 'FTPGET': {
        if (content === undefined) io.result('NO CARRIER');
        else {
          io.online(
            () => undefined,
            'NO CARRIER',
            () => undefined,
          );
          io.raw(content.subarray(this.#offset, this.cutAfterBytes));
          io.noCarrier();
        }
        this.#offset = 0;
        return true;
      }
      case 'FTPPUT':
      case 'FTPAPP': {
        const parts: Uint8Array[] = name === 'FTPAPP' && content !== undefined ? [content] : [];
        io.online(
          (bytes) => parts.push(bytes),
          'NO CARRIER',
          () => {
            this.files.set(file, concatBytes(parts).subarray(0, this.cutAfterBytes));
            if (this.lacksSize) this.lastReply = '226 Transfer complete.';
          },
        );
        return true;
      }
      case 'FTPGETPKT':
        if (!this.#blocks) return false;
        if (text === '=?') io.answer(['#FTPGETPKT: (0,1)']);
        else if (text === '?')
          io.answer([`#FTPGETPKT: ${this.#packet?.name ?? ''},0,${this.#packet?.bytes.length === 0 ? 1 : 0}`]);
        else if (content === undefined) io.result('+CME ERROR: 606');
        else {
          this.#packet = { name: file, bytes: content.subarray(this.#offset) };
          this.#offset = 0;
          io.result('OK');
        }
        return true;
      case 'FTPRECV': {
        if (!this.#blocks || this.#packet === undefined) return false;
        const block = this.#packet.bytes.subarray(0, Number(file));
        this.#packet.bytes = this.#packet.bytes.subarray(block.length);
        io.raw(`\r\n#FTPRECV: ${block.length}\r\n`);
        io.raw(block);
        io.raw('\r\nOK\r\n');
        return true;
      }
      default:
        return false;
    }
  }
}
