/** Where a file or a directory is on an FTP server. */
export interface FtpUrl {
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  /** Empty for the directory that the server begins in. */
  readonly path: string;
  /** A password stands in it, where everybody could read it. */
  readonly hasPassword: boolean;
}

/**
 * Reads `ftp://[USER@]HOST[:PORT]/PATH` (RFC 1738 §3.2): the path begins in the directory that the server gives, with
 * `%2F` in front at its root. Undefined for anything else.
 */
export function parseFtpUrl(text: string): FtpUrl | undefined {
  const match = /^ftp:\/\/(?:([^@/]*)@)?([^\s:/@[\]]+)(?::(\d{1,5}))?(?:\/(.*))?$/i.exec(text);
  if (match === null) return undefined;
  const [, login, host = '', port = '21', path = ''] = match;
  const [user, password] = login?.split(':', 2) ?? [];
  const plainUser = decode(user ?? '');
  const plainPath = decode(path);
  if (plainUser === undefined || plainPath === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined;
  return {
    host,
    port: Number(port),
    user: plainUser === '' ? undefined : plainUser,
    path: plainPath,
    hasPassword: password !== undefined,
  };
}

/** Undefined for what is no percent-encoding of UTF-8. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // The one way it fails: URIError.
    return undefined;
  }
}
