import { CellmuxError, hasCode, type AbortOptions } from '@cellmux/port';
import { decodeAddressAnswer, encodeAddressQuery } from '../core/dns-message.ts';
import { parseIpv4 } from '../core/ip-address.ts';
import type { PacketHost } from './packet-host.ts';

const DNS_PORT = 53;
const ATTEMPTS = 2;
const ATTEMPT_TIMEOUT_MS = 4000;

/**
 * The IPv4 address of a host: itself, or what the name servers that PPP gave say, asked through PPP. Rejects with
 * `ERR_GATEWAY_HOST_UNKNOWN` when there is no such name, with `ERR_GATEWAY_HOST_NO_NAME_SERVER` when none answers.
 */
export async function resolveHost(
  packets: PacketHost,
  nameServers: readonly string[],
  host: string,
  { signal }: AbortOptions = {},
): Promise<string> {
  if (parseIpv4(host) !== undefined) return host;
  let said = 'the network gave none';
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    for (const server of nameServers) {
      const id = packets.nextId();
      const query = encodeAddressQuery(id, host);
      if (query === undefined) throw unknownHost(host);
      try {
        const reply = await packets.exchange(server, DNS_PORT, query, { signal, timeoutMs: ATTEMPT_TIMEOUT_MS });
        const answer = decodeAddressAnswer(id, reply.payload);
        if (answer?.kind === 'address') return answer.address;
        if (answer?.kind === 'none') throw unknownHost(host);
        said = answer === undefined ? `${server} answers something else` : `${server} fails (${answer.responseCode})`;
      } catch (error) {
        if (!hasCode(error, 'ERR_GATEWAY_HOST_NO_ECHO')) throw error;
        said = `${server} does not answer`;
      }
    }
  }
  throw new CellmuxError('ERR_GATEWAY_HOST_NO_NAME_SERVER', `no name server resolves ${host}: ${said}`, {
    hint: 'Give an address instead of a name, or check with the operator.',
    context: { host, nameServers },
  });
}

function unknownHost(host: string): CellmuxError {
  return new CellmuxError('ERR_GATEWAY_HOST_UNKNOWN', `the name ${host} does not resolve`, {
    hint: 'Check the spelling of the name, or give an address.',
    context: { host },
  });
}
