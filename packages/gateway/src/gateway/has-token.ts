import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * Whether an Authorization or Proxy-Authorization header carries the token: as a Bearer, or as the password of Basic under
 * any user name, which is what curl and browsers can send. The comparison takes the same time whatever is wrong.
 */
export function hasToken(header: string | undefined, token: string): boolean {
  const [, scheme = '', value = ''] = /^(\S+)\s+(\S+)\s*$/.exec(header ?? '') ?? [];
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return isSame(value, token);
    case 'basic': {
      const given = Buffer.from(value, 'base64').toString('utf8');
      return isSame(given.slice(given.indexOf(':') + 1), token);
    }
    default:
      return false;
  }
}

function isSame(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
