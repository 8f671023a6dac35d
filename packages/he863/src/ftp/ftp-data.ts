import type { Clock } from '@cellmux/port';
import { listenTcp } from '../sockets/listener.ts';
import { connectTransport } from '../sockets/tcp-transport.ts';
import type { ReplyConnection } from '../sockets/reply-connection.ts';
import type { Transport } from '../sockets/transport.ts';
import { activeCommand, passivePort } from './data-address.ts';
import { FTP_ERRORS, FtpFailure } from './ftp-failure.ts';

/** A data connection that has been agreed upon. */
export interface AgreedData {
  /** The connection, once the server has it too. */
  connected(): Promise<Transport>;
  /** Nothing will come of it. */
  cancel(): void;
}

/** Options of {@link agreeOnData}. */
export interface DataOptions {
  readonly control: ReplyConnection;
  /** `<mode>` of #FTPOPEN: 0 active, 1 passive. */
  readonly passive: boolean;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/**
 * Agrees with the server on a data connection (RFC 959 §3.2). It is always one with the server of the control connection,
 * whatever address a reply names: a server behind address translation names one that leads nowhere.
 *
 * @throws FtpFailure 604, 605, 606.
 */
export function agreeOnData(options: DataOptions): Promise<AgreedData> {
  return options.passive ? passiveData(options) : activeData(options);
}

async function passiveData({ control, clock, timeoutMs }: DataOptions): Promise<AgreedData> {
  const { address } = control.transport.remote;
  const reply = await control.command(address.includes(':') ? 'EPSV' : 'PASV', timeoutMs);
  const port = passivePort(reply);
  if (port === undefined) throw new FtpFailure(FTP_ERRORS.badResponse);
  const { signal } = new AbortController();
  const transport = await connectTransport({ address, port, timeoutMs, clock, signal }).catch((error: unknown) => {
    throw new FtpFailure(FTP_ERRORS.cannotConnect, error);
  });
  return {
    connected: () => Promise.resolve(transport),
    cancel: () => {
      transport.abort();
    },
  };
}

async function activeData({ control, clock, timeoutMs }: DataOptions): Promise<AgreedData> {
  const { address } = control.transport.local;
  let give: (transport: Transport | undefined) => void = () => undefined;
  const coming = new Promise<Transport | undefined>((resolve) => (give = resolve));
  let isTaken = false;
  const listener = await listenTcp({
    address,
    port: 0,
    clock,
    handlers: {
      admits: (remote) => !isTaken && remote.address === control.transport.remote.address,
      connected: (transport) => {
        isTaken = true;
        give(transport);
      },
      failed: () => {
        give(undefined);
      },
    },
  }).catch((error: unknown) => {
    throw new FtpFailure(FTP_ERRORS.cannotAllocateSocket, error);
  });
  const cancel = (): void => {
    listener.stop();
    give(undefined);
    void coming.then((transport) => transport?.abort());
  };
  const reply = await control
    .command(activeCommand(address, listener.endpoint.port), timeoutMs)
    .catch((error: unknown) => {
      cancel();
      throw error;
    });
  if (reply.code !== 200) {
    cancel();
    throw new FtpFailure(FTP_ERRORS.badResponse);
  }
  return {
    cancel,
    connected: async () => {
      const late = clock.after(timeoutMs, () => {
        give(undefined);
      });
      const transport = await coming;
      late();
      listener.stop();
      if (transport === undefined) throw new FtpFailure(FTP_ERRORS.cannotConnect);
      return transport;
    },
  };
}
