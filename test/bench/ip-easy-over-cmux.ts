import { Multiplexer } from '@cellmux/cmux';
import { firstValueFrom } from 'rxjs';
import type { Transport } from '../../packages/ipeasy/bench/bench-ip-easy.ts';

/** Information field of the HE863's frames, and what a frame has around it when every frame has both its flags. */
const N1 = 127;
const FRAME_OCTETS = 6;

/** AT on virtual port 2 of the multiplexer, basic option. */
export const OVER_CMUX: Transport = {
  name: `CMUX, N1 ${N1}`,
  lineOctets: (octets) => octets + FRAME_OCTETS * Math.ceil(octets / N1),
  open: async ({ dte, dce }, clock, baudRate) => {
    const initiator = new Multiplexer(dte, { n1: N1, clock, baudRate });
    const responder = new Multiplexer(dce, { role: 'responder', n1: N1, clock, baudRate });
    const incoming = firstValueFrom(responder.incoming$);
    await Promise.all([responder.start(), initiator.start()]);
    const host = await initiator.open(2);
    return { host, module: await incoming };
  },
};
