/**
 * The fields behind `<prefix>: ` of an information response, split at commas outside quotes, quotes and blanks around
 * a field removed; undefined for a line with another prefix.
 *
 * @example
 * splitFields('#SS: 1,4,217.201.131.110,21', '#SS') // ['1', '4', '217.201.131.110', '21']
 */
export function splitFields(line: string, prefix: string): string[] | undefined {
  if (!line.startsWith(prefix)) return undefined;
  const colon = /^\s*:\s*/.exec(line.slice(prefix.length));
  if (colon === null) return undefined;
  return splitList(line.slice(prefix.length + colon[0].length));
}

/** The items of a list as AT prints it: commas outside quotes divide, quotes and blanks around an item are removed. */
export function splitList(text: string): string[] {
  const fields: string[] = [];
  let start = 0;
  let quoted = false;
  for (let index = 0; index <= text.length; index++) {
    const character = text[index];
    if (character === '"') quoted = !quoted;
    else if (character === undefined || (character === ',' && !quoted)) {
      fields.push(unquote(text.slice(start, index).trim()));
      start = index + 1;
    }
  }
  return fields;
}

/** The digits as a number; undefined where the text is anything but 1 to 10 decimal digits. */
export function decimal(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

function unquote(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}
