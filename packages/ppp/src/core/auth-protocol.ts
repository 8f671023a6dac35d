import { readUnsigned } from './control-packet.ts';
import { PROTOCOL } from './protocol-numbers.ts';

/** The ways to authenticate, by name: PAP (RFC 1334), CHAP with MD5 (RFC 1994), MS-CHAPv2 (RFC 2759). */
export const AUTH_PROTOCOLS = ['pap', 'chap-md5', 'ms-chap-v2'] as const;
export type AuthProtocol = (typeof AUTH_PROTOCOLS)[number];

/** All of them, in the order of proposing: one that shows the password to the line comes last. */
export const AUTH_PREFERENCE: readonly AuthProtocol[] = ['chap-md5', 'ms-chap-v2', 'pap'];

/** The data of the Authentication-Protocol option for each (RFC 1661 §6.2, RFC 1994 §3). */
const OPTION_DATA: Readonly<Record<AuthProtocol, readonly number[]>> = {
  pap: [PROTOCOL.PAP >>> 8, PROTOCOL.PAP & 0xff],
  'chap-md5': [PROTOCOL.CHAP >>> 8, PROTOCOL.CHAP & 0xff, 5],
  'ms-chap-v2': [PROTOCOL.CHAP >>> 8, PROTOCOL.CHAP & 0xff, 0x81],
};

/** The data of the option that asks for this protocol. */
export function authOptionData(protocol: AuthProtocol): readonly number[] {
  return OPTION_DATA[protocol];
}

/** What the option asks for; undefined for EAP, MS-CHAP (1), and what nobody knows. */
export function readAuthOption(data: Uint8Array): AuthProtocol | undefined {
  return AUTH_PROTOCOLS.find((protocol) => {
    const wanted = OPTION_DATA[protocol];
    return wanted.length === data.length && wanted.every((octet, index) => octet === data[index]);
  });
}

/** For people: `PAP`, `CHAP-MD5`, `EAP`, `0xC027`. */
export function authOptionName(data: Uint8Array): string {
  const known = readAuthOption(data);
  if (known !== undefined) return known === 'ms-chap-v2' ? 'MS-CHAPv2' : known.toUpperCase();
  const protocol = readUnsigned(data, 0, 2);
  if (protocol === PROTOCOL.EAP) return 'EAP';
  if (protocol === PROTOCOL.CHAP) return `CHAP algorithm ${data[2] ?? 0}`;
  return `0x${protocol.toString(16).toUpperCase().padStart(4, '0')}`;
}
