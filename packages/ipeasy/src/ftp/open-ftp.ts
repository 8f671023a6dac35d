import type { AtClient } from '@cellmux/at';
import { CellmuxError, checkInteger, systemClock, type AbortOptions, type Clock } from '@cellmux/port';
import { AtLane } from '../at-lane.ts';
import type { FtpOptions } from './ftp-options.ts';
import { IpEasyFtp } from './ip-easy-ftp.ts';

/** Options of {@link openFtp}. */
export interface OpenFtpOptions extends FtpOptions, AbortOptions {
  readonly clock?: Clock | undefined;
  /** What a command that does not wait for the server is given, 100..600000 ms; default 10000. */
  readonly commandTimeoutMs?: number | undefined;
}

/**
 * Opens the FTP session of the module on an AT port of its own, beside an `IpEasy` on other ports that has activated the
 * context: nothing but FTP is set up here, and no socket is touched. Others may give commands on the same client while
 * {@link IpEasyFtp.hasPort} is false. Rejects as `IpEasy.ftp()` does.
 *
 * @example
 * await using session = await openFtp(third, { host: 'ftp.example.org', user, password });
 * const bytes = await session.size('firmware.bin');
 */
export async function openFtp(at: AtClient, options: OpenFtpOptions): Promise<IpEasyFtp> {
  const { clock = systemClock, commandTimeoutMs = 10_000 } = options;
  const timeoutMs = checkInteger('commandTimeoutMs', commandTimeoutMs, 100, 600_000);
  const lane = new AtLane(at, 0);
  const lost = (cause: unknown): void => {
    lane.fail(
      new CellmuxError('ERR_IPEASY_LINE_LOST', 'the AT port of the FTP session was lost', {
        cause,
        hint: 'The line or the multiplexer below went down: start it again, then open another session.',
      }),
    );
  };
  if (at.mode === 'closed') lost(undefined);
  const subscription = at.urcs$.subscribe({
    error: lost,
    complete: () => {
      lost(undefined);
    },
  });
  const onClosed = (): void => {
    subscription.unsubscribe();
  };
  try {
    return await IpEasyFtp.open({ lane, clock, timeoutMs, onClosed }, options);
  } catch (error) {
    onClosed();
    throw error;
  }
}
