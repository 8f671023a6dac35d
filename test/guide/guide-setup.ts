import { AtClient, HE863_AT_PROFILE } from '@cellmux/at';
import { HE863, startMultiplexer } from '@cellmux/cmux';
import { VirtualHe863, type VirtualHe863Options } from '@cellmux/he863';
import { IpEasy, type IpEasyOptions } from '@cellmux/ipeasy';
import { memoryPair } from '@cellmux/port';

/** Prints one line of what a program does. */
export type Say = (line: string) => void;

/** A module and its AT port, as a program on a microcontroller has them. */
export interface OnePort extends AsyncDisposable {
  readonly at: AtClient;
}

// What follows a final result within 20 ms, a real module may miss; this one does not.
const PROFILE = { ...HE863_AT_PROFILE, resultGapMs: 0 };

/** One module with one AT port. With a real module, this is `new AtClient(await openSerial({ path: '/dev/ttyUSB0' }))`. */
export function onePort(options: VirtualHe863Options = {}): OnePort {
  const module = new VirtualHe863({ machineNames: false, ...options });
  const { dte, dce } = memoryPair();
  module.serve(dce);
  const at = new AtClient(dte, { profile: PROFILE });
  return {
    at,
    [Symbol.asyncDispose]: async () => {
      await at.close();
      await dte.close();
      void module.close();
    },
  };
}

/** One module with its context active, ready for sockets. */
export interface ModuleWithSockets extends OnePort {
  readonly ipEasy: IpEasy;
}

/** `AT+CGDCONT`, `AT#SCFG` and `AT#SGACT` of every example of the guide, by the library. */
export async function withSockets(
  options: VirtualHe863Options = {},
  ipEasyOptions: IpEasyOptions = {},
): Promise<ModuleWithSockets> {
  const port = onePort(options);
  const ipEasy = new IpEasy([port.at], ipEasyOptions);
  await ipEasy.prepare();
  await ipEasy.defineContext({ cid: 1, apn: 'internet' });
  await ipEasy.activate({ cid: 1, user: 'EASY GPRS', password: 'EASY GPRS' });
  return {
    at: port.at,
    ipEasy,
    [Symbol.asyncDispose]: async () => {
      await ipEasy.close();
      await port[Symbol.asyncDispose]();
    },
  };
}

/** Three AT ports of one module, on one line, by the multiplexer. */
export async function threePorts(
  options: VirtualHe863Options = {},
): Promise<{ readonly ports: readonly [AtClient, AtClient, AtClient] } & AsyncDisposable> {
  const module = new VirtualHe863({ machineNames: false, ...options });
  const { dte, dce } = memoryPair();
  module.serve(dce);
  const multiplexer = await startMultiplexer(dte, { profile: { ...HE863, settleMs: 0 } });
  const open = async (dlci: number): Promise<AtClient> =>
    new AtClient(await multiplexer.open(dlci), { profile: PROFILE });
  const ports = [await open(1), await open(2), await open(3)] as const;
  return {
    ports: [...ports],
    [Symbol.asyncDispose]: async () => {
      for (const port of ports) await port.close();
      await multiplexer.close();
      await dte.close();
      void module.close();
    },
  };
}
