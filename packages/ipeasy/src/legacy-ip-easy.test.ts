import { AtClient } from '@cellmux/at';
import { memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it } from 'vitest';
import { ScriptedModule, type ModuleIo } from '../test/scripted-module.ts';
import { IpEasy } from './ip-easy.ts';
import { LegacyIpEasy } from './legacy-ip-easy.ts';

function setUp() {
  const clock = new VirtualClock();
  const { dte, dce } = memoryPair();
  const received: Buffer[] = [];
  let io: ModuleIo | undefined;
  const module = new ScriptedModule(dce, {
    clock,
    more: (line, now) => {
      if (line === 'AT#GPRS=1') now.answer(['+IP: 10.1.2.3']);
      else if (/^AT#(GPRS=0|USERID|PASSW)/.test(line)) now.result('OK');
      else if (line.startsWith('AT#SKTD=0,81')) now.result('NO CARRIER');
      else if (line.startsWith('AT#SKTD')) {
        io = now;
        now.online(
          (bytes) => received.push(Buffer.from(bytes)),
          'NO CARRIER',
          () => undefined,
        );
      } else return false;
      return true;
    },
  });
  const at = new AtClient(dte, { clock });
  return { clock, module, at, received, far: () => io };
}

describe('the single-socket commands', () => {
  it('activate, connect, carry data and close with the escape sequence', async () => {
    const { clock, module, at, received, far } = setUp();
    const legacy = new LegacyIpEasy(at, { clock });
    expect(await clock.run(legacy.activate({ user: 'u', password: 'p' }))).toEqual({ address: '10.1.2.3' });
    const socket = await clock.run(legacy.connect({ host: 'example.org', port: 80 }));
    expect(module.lines).toContain('AT#SKTD=0,80,"example.org"');
    const got: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => got.push(chunk));
    socket.write('hello');
    far()?.raw('world');
    await clock.advance(500);
    expect(Buffer.concat(received).toString()).toBe('hello');
    expect(Buffer.concat(got).toString()).toBe('world');
    let isClosed = false;
    socket.on('close', () => (isClosed = true));
    socket.end();
    await clock.advance(10_000);
    expect(isClosed).toBe(true);
    await expect(clock.run(legacy.connect({ host: 'example.org', port: 81 }))).rejects.toMatchObject({
      code: 'ERR_IPEASY_NO_CARRIER',
    });
    const again = await clock.run(legacy.connect({ host: 'example.org', port: 82 }));
    again.resume();
    far()?.noCarrier();
    await clock.advance(10_000);
    expect(again.destroyed).toBe(true);
    await clock.run(legacy.deactivate());
    await clock.run(legacy.close());
  });

  it('and the new ones refuse each other', async () => {
    const { clock, at } = setUp();
    const legacy = new LegacyIpEasy(at, { clock });
    expect(() => new IpEasy([at], { clock })).toThrow(expect.objectContaining({ code: 'ERR_IPEASY_MIXED_SETS' }));
    await clock.run(legacy.close());
    const ipEasy = new IpEasy([at], { clock });
    expect(() => new LegacyIpEasy(at, { clock })).toThrow(expect.objectContaining({ code: 'ERR_IPEASY_MIXED_SETS' }));
    await clock.run(ipEasy.close());
    await clock.run(new LegacyIpEasy(at, { clock }).close());
  });
});
