import { ANSWER_SECRET_FIELDS, AT_SECRET_FIELDS, LONGEST_NAME, type SecretFields } from './at-secret-fields.ts';

const [CR, SPACE, QUOTE, COMMA, COLON, SEMICOLON, EQUALS, QUESTION] = [0x0d, 0x20, 0x22, 0x2c, 0x3a, 0x3b, 0x3d, 0x3f];
/** Arguments that go on longer belong to no command line: it is over. */
const ARGUMENTS_LIMIT_OCTETS = 1024;

/** Finds the secrets of AT commands among the octets of one direction of a port, however they are cut. */
export class AtSecretFinder {
  #name = '';
  #fields: SecretFields | undefined;
  #field = 0;
  #inQuotes = false;
  #octets = 0;

  /** True where the next octet is one of a secret. */
  next(octet: number): boolean {
    return this.#fields === undefined ? this.#inName(octet) : this.#inArguments(octet, this.#fields);
  }

  #inName(octet: number): boolean {
    // V.250 §5.2.1: spaces mean nothing outside strings.
    if (octet === SPACE) return false;
    if (octet === EQUALS || octet === COLON) {
      this.#fields = (octet === EQUALS ? AT_SECRET_FIELDS : ANSWER_SECRET_FIELDS)[this.#name];
      [this.#field, this.#inQuotes, this.#octets, this.#name] = [0, false, 0, ''];
      return false;
    }
    const character = String.fromCharCode(octet).toUpperCase();
    if (character === '+' || character === '#') this.#name = character;
    else if (this.#name !== '' && this.#name.length < LONGEST_NAME && character >= 'A' && character <= 'Z')
      this.#name += character;
    else this.#name = '';
    return false;
  }

  #inArguments(octet: number, [first, last]: SecretFields): boolean {
    const isOver =
      octet === CR || (!this.#inQuotes && octet === SEMICOLON) || (this.#octets === 0 && octet === QUESTION);
    if (isOver || ++this.#octets > ARGUMENTS_LIMIT_OCTETS) {
      this.#fields = undefined;
      return false;
    }
    if (octet === QUOTE) {
      this.#inQuotes = !this.#inQuotes;
      return false;
    }
    if (octet === COMMA && !this.#inQuotes) {
      this.#field++;
      return false;
    }
    return this.#field >= first && this.#field <= last;
  }
}
