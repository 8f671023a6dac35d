/** Values of the Protocol field that this package knows (RFC 1661 §2, assigned numbers). */
export const PROTOCOL = {
  IPv4: 0x0021,
  IPv6: 0x0057,
  IPCP: 0x8021,
  IPV6CP: 0x8057,
  CCP: 0x80fd,
  LCP: 0xc021,
  PAP: 0xc023,
  LQR: 0xc025,
  CHAP: 0xc223,
  EAP: 0xc227,
} as const;

/** Codes of control packets (RFC 1661 §5, RFC 1570 §1). Those above Code-Reject belong to LCP alone. */
export const CODE = {
  configureRequest: 1,
  configureAck: 2,
  configureNak: 3,
  configureReject: 4,
  terminateRequest: 5,
  terminateAck: 6,
  codeReject: 7,
  protocolReject: 8,
  echoRequest: 9,
  echoReply: 10,
  discardRequest: 11,
  identification: 12,
  timeRemaining: 13,
} as const;

const names = new Map<number, string>(Object.entries(PROTOCOL).map(([name, value]) => [value, name]));

/** `IPCP`, or `0x80FD` for a protocol without a name here. */
export function protocolName(protocol: number): string {
  return names.get(protocol) ?? `0x${protocol.toString(16).toUpperCase().padStart(4, '0')}`;
}
