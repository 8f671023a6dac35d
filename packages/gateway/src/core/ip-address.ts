/** The four octets of a dotted IPv4 address; undefined for anything else. */
export function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const address = new Uint8Array(4);
  for (const [index, part] of parts.entries()) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    address[index] = Number(part);
  }
  return address;
}

/** Dotted decimal of four octets. */
export function formatIpv4(address: Uint8Array): string {
  return `${String(address[0])}.${String(address[1])}.${String(address[2])}.${String(address[3])}`;
}
