import { fromLatin1, latin1 } from '@cellmux/port';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPlain, mailData } from './mail-message.ts';

const mail = (body: string): string =>
  fromLatin1(mailData({ from: 'a@b', to: 'c@d', subject: 's', body: latin1(body) }));
const header = 'From: <a@b>\r\nTo: <c@d>\r\nSubject: s\r\n\r\n';

/** What a server reads, RFC 5321 §4.5.2. */
function read(data: string): string {
  const end = data.indexOf('\r\n.\r\n', header.length - 2);
  return data.slice(header.length, end + 2).replace(/(^|\r\n)\./g, '$1');
}

describe('mailData', () => {
  it('ends once, at its end, whatever the body says', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('.', '\r', '\n', 'a'), maxLength: 60 }), (body) => {
        const data = mail(body);
        expect(data.startsWith(header)).toBe(true);
        // Header and body end in CRLF, so the first lonely dot is the end.
        expect(data.indexOf('\r\n.\r\n')).toBe(data.length - 5);
        expect(/[^\r]\n|\r[^\n]/.test(data)).toBe(false);
        const lines = body.replace(/\r\n|\r|\n/g, '\r\n');
        expect(read(data)).toBe(lines === '' || lines.endsWith('\r\n') ? lines : `${lines}\r\n`);
      }),
    );
  });

  it('keeps every other octet', () => {
    const octets = Array.from({ length: 256 }, (_, value) => value).filter((value) => value !== 10 && value !== 13);
    const body = String.fromCharCode(...octets);
    expect(mail(body)).toBe(`${header}${body}\r\n.\r\n`);
  });
});

describe('isPlain', () => {
  it('lets nothing through that begins a line of its own', () => {
    expect(isPlain('a@b', true)).toBe(true);
    for (const text of ['a\r\nDATA', 'a\nb', 'a\u0000']) expect(isPlain(text, false)).toBe(false);
    for (const text of ['a>b', '<a', 'a b']) expect(isPlain(text, true)).toBe(false);
    expect(isPlain('a subject > 5', false)).toBe(true);
  });
});
