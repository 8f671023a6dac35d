/*
 * Service negotiation, 3GPP TS 27.010 §5.4.6.3.11: octet 1 DLCI << 2 | 3, alone it asks; octet 2 EA, bit 1 data, bit 2
 * voice; octet 3 EA, bits 1 to 6 voice codecs. Hardly any module knows it.
 */

/** The services of a DLC. */
export interface Services {
  readonly data: boolean;
  readonly voice: boolean;
  /** Voice codecs V1 to V6 as bits 0 to 5. */
  readonly codecs: number;
}

/** What a DLC offers where nobody negotiated: data alone. */
export const DEFAULT_SERVICES: Services = { data: true, voice: false, codecs: 0 };

/** What an SNC message says; a question has no services. */
export interface ServiceNegotiation {
  readonly dlci: number;
  readonly services: Services | undefined;
}

/** The value of an SNC message. */
export function encodeServices({ dlci, services }: ServiceNegotiation): Uint8Array {
  const address = (dlci << 2) | 3;
  if (services === undefined) return Uint8Array.of(address);
  return Uint8Array.of(
    address,
    1 | (services.data ? 2 : 0) | (services.voice ? 4 : 0),
    1 | ((services.codecs & 0x3f) << 1),
  );
}

/** Reads the value of an SNC message; undefined where it is none. */
export function decodeServices(value: Uint8Array): ServiceNegotiation | undefined {
  const [address, services, codecs] = value;
  if (address === undefined || value.length > 3) return undefined;
  const dlci = address >> 2;
  if (services === undefined) return { dlci, services: undefined };
  return {
    dlci,
    services: { data: (services & 2) !== 0, voice: (services & 4) !== 0, codecs: ((codecs ?? 0) >> 1) & 0x3f },
  };
}
