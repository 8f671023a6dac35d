import { createCipheriv, createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { desEncrypt } from './des.ts';
import { md4 } from './md4.ts';
import { md5 } from './md5.ts';
import { sha1 } from './sha1.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const message = fc.uint8Array({ maxLength: 300 });

describe('hashes', () => {
  // RFC 1320 §A.5
  it.each([
    ['', '31d6cfe0d16ae931b73c59d7e0c089c0'],
    ['a', 'bde52cb31de33e46245e05fbdbd6fb24'],
    ['abc', 'a448017aaf21d8525fc10ae87aa6729d'],
    ['message digest', 'd9130a8164549fe818874806e1c7014b'],
    ['abcdefghijklmnopqrstuvwxyz', 'd79e1c308aa5bbcdeea8ed63df412da9'],
    ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '043f8582f241db351ce627e153e7f0e4'],
    [
      '12345678901234567890123456789012345678901234567890123456789012345678901234567890',
      'e33b4ddc9c38f2199c3e7b164fcc0536',
    ],
  ])('MD4 of "%s"', (text, digest) => {
    expect(hex(md4(Buffer.from(text)))).toBe(digest);
  });

  it('MD5 and SHA-1 are those of Node', () => {
    fc.assert(
      fc.property(message, (bytes) => {
        expect(hex(md5(bytes))).toBe(createHash('md5').update(bytes).digest('hex'));
        expect(hex(sha1(bytes))).toBe(createHash('sha1').update(bytes).digest('hex'));
      }),
    );
  });

  it('DES is triple DES with one key three times', () => {
    const octets = fc.uint8Array({ minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(octets, octets, (key, block) => {
        const cipher = createCipheriv('des-ede3-ecb', Buffer.concat([key, key, key]), null).setAutoPadding(false);
        expect(hex(desEncrypt(key, block))).toBe(Buffer.concat([cipher.update(block), cipher.final()]).toString('hex'));
      }),
    );
  });
});
