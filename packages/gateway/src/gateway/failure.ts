import { describeError, errorSentence } from '../errors/describe-error.ts';

/** A failed dial as an HTTP client is told about it. */
export interface HttpFailure {
  readonly status: 502 | 503 | 504;
  readonly code: string;
  readonly sentence: string;
}

const STATUS: Readonly<Record<string, 503 | 504>> = {
  ERR_IPEASY_CONNECT_TIMEOUT: 504,
  ERR_GATEWAY_SOCKETS_BUSY: 503,
  ERR_IPEASY_NO_FREE_SOCKET: 503,
  ERR_GATEWAY_STOPPED: 503,
};

/** 504 for a far host that does not answer, 503 where no socket is free, 502 for everything else. */
export function describeFailure(error: unknown): HttpFailure {
  const description = describeError(error);
  return {
    status: STATUS[description.code] ?? 502,
    code: description.code,
    sentence: errorSentence(description),
  };
}
