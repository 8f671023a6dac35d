import { CellmuxError, memoryPair, PortView, type Clock, type MemoryPair } from '@cellmux/port';
import { PppLink, type PppDataCall, type PppDialer, type PppServerOptions } from '../src/index.ts';

/** What the module behind the dialer does. */
export interface FakeModule {
  readonly clock: Clock;
  /** Responses by command; a missing one is ERROR. */
  readonly responses?: Readonly<Record<string, readonly string[]>>;
  readonly server?: Partial<PppServerOptions>;
  /** Says NO CARRIER when PPP has ended; default true. */
  readonly saysNoCarrier?: boolean;
  /** Answers an escape; default true. */
  readonly obeysEscape?: boolean;
  /** Fails the dialling. */
  readonly refuses?: () => unknown;
}

/** An AT client and a module with a PPP server behind it. */
export class FakeDialer implements PppDialer {
  readonly log: string[] = [];
  readonly module: FakeModule;
  line: MemoryPair | undefined;
  server: PppLink | undefined;
  calls = 0;
  #end: ((end: { text: string }) => void) | undefined;

  constructor(module: FakeModule) {
    this.module = module;
  }

  command(line: string): Promise<unknown> {
    this.log.push(line);
    const lines = this.module.responses?.[line];
    if (lines !== undefined || line === 'ATH') return Promise.resolve({ lines: lines ?? [], result: 'OK' });
    return Promise.reject(new CellmuxError('ERR_AT_ERROR', `${line}: ERROR`));
  }

  connect(line: string): Promise<PppDataCall> {
    this.log.push(line);
    this.calls++;
    const refusal = this.module.refuses?.();
    if (refusal !== undefined) return Promise.reject(refusal);
    const pair = memoryPair();
    this.line = pair;
    const ended = new Promise<{ text: string }>((resolve) => (this.#end = resolve));
    const server = new PppLink(pair.dce, {
      role: 'server',
      peerAddress: '10.0.0.2',
      localAddress: '10.0.0.1',
      clock: this.module.clock,
      ...this.module.server,
    });
    this.server = server;
    server.open().catch(() => undefined);
    void server.ended.then(() => {
      this.log.push('ppp ended');
      if (this.module.saysNoCarrier !== false) this.hangUp('NO CARRIER');
    });
    const call = Object.assign(new PortView(pair.dte, {}), {
      ended,
      escape: (): Promise<string> => {
        this.log.push('+++');
        if (this.module.obeysEscape === false) return new Promise(() => undefined);
        this.hangUp('OK');
        return Promise.resolve('OK');
      },
    });
    return Promise.resolve(call);
  }

  /** Data mode is over. */
  hangUp(text: string): void {
    this.#end?.({ text });
    void this.line?.dce.close();
  }
}
