const URCS = /^(RING|NO CARRIER(:.*)?|\+C(RING|LIP|GEV|IEV|MTI|USD|G?REG):.*|SRING:.*|#SGACT:.*|#QSS:.*)$/;
const FINAL = /^(OK|ERROR|\+CM[ES] ERROR:.*)$/;

/** What a program without an AT package does: gathers a string, splits it at line ends, asks regular expressions. */
export class LineSplitter {
  lines = 0;
  finals = 0;
  urcs = 0;
  #text = '';

  push(chunk: Uint8Array): void {
    this.#text += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1');
    const parts = this.#text.split('\r\n');
    this.#text = parts.pop() ?? '';
    for (const line of parts) {
      if (line === '') continue;
      if (FINAL.test(line)) this.finals++;
      else if (URCS.test(line)) this.urcs++;
      else this.lines++;
    }
  }
}

/** The same for data mode: gathers a string and looks for the end at its end. */
export class EndSplitter {
  octets = 0;
  #text = '';

  push(chunk: Uint8Array): void {
    this.#text += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1');
    const end = /\r(\n(N(O( (C(A(R(R(I(E(R(\r\n?)?)?)?)?)?)?)?)?)?)?)?)?$/.exec(this.#text);
    const held = end === null ? '' : end[0];
    this.octets += Buffer.from(this.#text.slice(0, this.#text.length - held.length), 'latin1').length;
    this.#text = held;
  }
}
