import { AtClient, AtServer, type CommandDeclaration, type CommandResult, type DataPhase } from '@cellmux/at';
import { Multiplexer, type DlcPort } from '@cellmux/cmux';
import { concatBytes, fromLatin1, latin1, pacedLine } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';

/** A client on a DLC, the module's side on its other end, and what came of the calls between them. */
interface Virtual {
  readonly client: AtClient;
  readonly server: AtServer<object>;
  readonly hostPort: DlcPort;
  readonly phases: DataPhase[];
  /** What the module's side has received in calls. */
  readonly up: Uint8Array[];
}

/** Three ports of a multiplexer on a line of 115200 Bd, with AT at both ends of each. */
async function threePorts(): Promise<{ clock: VirtualClock; ports: Virtual[] }> {
  const clock = new VirtualClock();
  const line = pacedLine({ clock, baudRate: 115_200 });
  const host = new Multiplexer(line.dte, { clock, n1: 127 });
  const module = new Multiplexer(line.dce, { clock, role: 'responder', n1: 127 });
  const servers = new Map<number, Pick<Virtual, 'server' | 'phases' | 'up'>>();
  module.incoming$.subscribe((port) => {
    const phases: DataPhase[] = [];
    const up: Uint8Array[] = [];
    const dial: CommandDeclaration<object> = {
      name: 'D',
      execute: async (context): Promise<CommandResult> => {
        const phase = await context.connect();
        phases.push(phase);
        phase.received$.subscribe((chunk) => up.push(chunk));
        return (await phase.ended) === 'escaped' ? 'OK' : 'NO CARRIER';
      },
    };
    const server = new AtServer<object>(port, [dial], { session: {}, clock });
    servers.set(port.dlci, { server, phases, up });
  });
  await clock.run(Promise.all([host.start(), module.start()]));
  const ports: Virtual[] = [];
  for (const dlci of [1, 2, 3]) {
    const hostPort = await clock.run(host.open(dlci));
    const client = new AtClient(hostPort, { clock });
    await clock.run(client.command('ATE0&C1&D1'));
    ports.push({ client, hostPort, ...servers.get(dlci)! });
  }
  return { clock, ports };
}

/** Octets that look like ends of a call, answers and escapes. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom('\r\nNO CARRIER\r\n', '\r\nOK\r\n', '+++', '\r\nCONNECT\r\n', '\r', '\n', '\xf9', '\0'),
      fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => fromLatin1(bytes)),
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((parts) => parts.join(''));

const ways = ['+++', 'dtr', 'carrier'] as const;

it('three calls at once carry every byte and end by +++, by DTR in MSC, by NO CARRIER with DV', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ up: hostile, down: hostile }), { minLength: 3, maxLength: 3 }),
      fc.shuffledSubarray([...ways]),
      async (texts, order) => {
        const { clock, ports } = await threePorts();
        const ways = [...order, ...(['+++', 'dtr', 'carrier'] as const)].slice(0, 3);
        await clock.run(
          Promise.all(
            ports.map(async ({ client, server, hostPort, phases, up }, index) => {
              const { up: sent, down: said } = texts[index]!;
              const call = await client.connect('ATD*99***1#');
              expect(hostPort.circuits.dcd).toBe(true);
              const chunks: Uint8Array[] = [];
              call.received$.subscribe((chunk) => chunks.push(chunk));
              await Promise.all([call.send(latin1(sent)), phases[0]!.send(latin1(said))]);
              const way = ways[index]!;
              // DTR does not wait for what is under way either way, the carrier not for what comes from the host.
              const isOver = (): boolean =>
                concatBytes(up).length === sent.length && (way !== 'dtr' || concatBytes(chunks).length === said.length);
              while (way !== '+++' && !isOver()) await new Promise<void>((resolve) => clock.after(1, resolve));
              if (way === '+++') expect(await call.escape()).toBe('OK');
              else if (way === 'dtr') expect(await call.escape({ by: 'dtr' })).toBe('OK');
              else {
                server.dropCarrier();
                expect(await call.ended).toMatchObject({ reason: 'noCarrier' });
              }
              expect(fromLatin1(concatBytes(chunks))).toBe(said);
              await client.command('AT');
              expect(fromLatin1(concatBytes(up))).toBe(sent);
              expect(hostPort.circuits.dcd).toBe(false);
              // A second call on the same port begins with its own first octet.
              const next = await client.connect('ATD*99***1#');
              const first = new Promise<Uint8Array>((resolve) => next.received$.subscribe(resolve));
              await phases[1]!.send(Uint8Array.of(0x7e));
              expect(await first).toEqual(Uint8Array.of(0x7e));
              await next.escape({ by: 'dtr' });
            }),
          ),
        );
      },
    ),
    { numRuns: 25 },
  );
});
