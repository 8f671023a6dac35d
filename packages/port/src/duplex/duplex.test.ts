import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ReadlineParser, SerialPort } from 'serialport';
import { describe, expect, test } from 'vitest';
import { concatBytes, fromLatin1, latin1 } from '../core/bytes.ts';
import { memoryPair } from '../memory-pair.ts';
import { settle } from '../testing/virtual-clock.ts';
import { asSerialPort } from './as-serial-port.ts';
import { toDuplex } from './port-duplex.ts';

const pattern = (length: number): Uint8Array =>
  new Uint8Array(length).map((_, index) => (index * 13 + (index >> 10)) & 0xff);
const turns = async (count = 20): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await settle();
};

describe('toDuplex', () => {
  test('passes bytes both ways and ends when the far side closes', async () => {
    const { dte, dce } = memoryPair();
    const [near, far] = [toDuplex(dte), toDuplex(dce)];
    const got: Buffer[] = [];
    const sink = new Writable({
      write(chunk: Buffer, _encoding, callback) {
        got.push(chunk);
        setImmediate(callback);
      },
    });
    const receiving = pipeline(far, sink);
    const sent = pattern(200_000);
    const pieces = Array.from({ length: 40 }, (_, index) =>
      Buffer.from(sent.subarray(index * 5000, index * 5000 + 5000)),
    );
    await pipeline(Readable.from(pieces), near);
    await receiving;
    expect(Buffer.compare(concatBytes(got), pattern(200_000))).toBe(0);
    await turns();
    expect(near.destroyed || near.readableEnded || dte.isClosed).toBe(true);
  });

  test('holds its high-water mark and no more, whatever is sent', async () => {
    const { dte, dce } = memoryPair();
    const stream = toDuplex(dte, { highWaterMarkBytes: 1000 });
    let sent = 0;
    void (async () => {
      for (;;) {
        await dce.send(pattern(500));
        sent += 500;
      }
    })().catch(() => undefined);
    await turns();
    stream.read(0);
    await turns();
    expect(stream.readableLength).toBeLessThanOrEqual(1500);
    // The rest is what the port keeps before it presses, and one chunk.
    expect(sent).toBeLessThan(36_000);
    let octets = 0;
    const expected = pattern(500);
    for (let round = 0; round < 500; round++) {
      const chunk = stream.read() as Buffer | null;
      if (chunk === null) await settle();
      else {
        expect(Buffer.compare(chunk.subarray(0, 1), Buffer.from([expected[octets % 500] as number]))).toBe(0);
        octets += chunk.length;
      }
    }
    expect(octets).toBeGreaterThan(50_000);
    stream.destroy();
    await turns();
    expect(dte.isClosed).toBe(true);
  });

  test('a write calls back when the port has taken it, and drain follows', async () => {
    const { dte, dce } = memoryPair();
    dce.pause();
    const stream = toDuplex(dte, { highWaterMarkBytes: 10 });
    let written = false;
    expect(stream.write(pattern(20), () => (written = true))).toBe(false);
    await turns();
    expect(written).toBe(false);
    dce.resume();
    await new Promise((resolve) => stream.once('drain', resolve));
    expect(written).toBe(true);
  });

  test('end closes the port; without closeOnEnd it leaves the reading side open', async () => {
    const one = memoryPair();
    const stream = toDuplex(one.dte, { closeOnEnd: false });
    stream.end('ask');
    const got: string[] = [];
    one.dce.received$.subscribe((chunk) => got.push(fromLatin1(chunk)));
    stream.on('data', (chunk: Buffer) => got.push(chunk.toString()));
    await turns();
    await one.dce.send(latin1('answer'));
    expect(one.dte.isClosed).toBe(false);
    await one.dce.close();
    await turns();
    expect({ got, destroyed: stream.destroyed }).toEqual({ got: ['ask', 'answer'], destroyed: true });
    const two = memoryPair();
    toDuplex(two.dte).end('bye');
    await turns();
    expect(two.dce.isClosed).toBe(true);
  });

  test('a failed line destroys the stream with its error', async () => {
    const { dte, fail } = memoryPair();
    const stream = toDuplex(dte);
    stream.resume();
    const error = new Promise((resolve) => stream.once('error', resolve));
    await turns();
    fail(new Error('cut'));
    expect(await error).toMatchObject({ message: 'cut' });
    expect(stream.destroyed).toBe(true);
  });

  test('refuses a high-water mark out of range', () => {
    expect(() => toDuplex(memoryPair().dte, { highWaterMarkBytes: 0 })).toThrow(/ERR_OPTION_RANGE/);
  });
});

describe('asSerialPort', () => {
  test('is a genuine SerialPort that parsers take, with circuits', async () => {
    const { dte, dce } = memoryPair();
    const serial = asSerialPort(dte, { baudRate: 9600 });
    expect(serial).toBeInstanceOf(SerialPort);
    await new Promise((resolve) => serial.once('open', resolve));
    expect({ isOpen: serial.isOpen, baudRate: serial.baudRate, path: serial.path }).toEqual({
      isOpen: true,
      baudRate: 9600,
      path: dte.name,
    });
    const lines: string[] = [];
    serial.pipe(new ReadlineParser({ delimiter: '\r\n' })).on('data', (line: string) => lines.push(line));
    for (const piece of ['\r\nO', 'K\r', '\n+CSQ: 9', ',0\r\n']) await dce.send(latin1(piece));
    await turns();
    expect(lines).toEqual(['OK', '+CSQ: 9,0']);
    const got: string[] = [];
    dce.received$.subscribe((chunk) => got.push(fromLatin1(chunk)));
    serial.write('AT\r');
    await new Promise<void>((resolve, reject) => {
      serial.drain((error) => {
        if (error) reject(error);
        else resolve();
      });
    });
    expect(got).toEqual(['AT\r']);
    await new Promise((resolve) => {
      serial.set({ dtr: false, rts: true, brk: true }, resolve);
    });
    expect(dce.circuits).toMatchObject({ dtr: false, rts: true, break: true });
    await dce.setCircuits({ dcd: true, cts: false });
    const status = await new Promise((resolve) => {
      serial.get((_error, flags) => {
        resolve(flags);
      });
    });
    expect(status).toMatchObject({ dcd: true, cts: false, dsr: true });
    await new Promise((resolve) => {
      serial.close(resolve);
    });
    expect(dce.isClosed).toBe(true);
  });

  test('a large chunk is read in pieces without loss', async () => {
    const { dte, dce } = memoryPair();
    const serial = asSerialPort(dte, { highWaterMark: 256 });
    const got: Buffer[] = [];
    serial.on('data', (chunk: Buffer) => got.push(Buffer.from(chunk)));
    await dce.send(pattern(5000));
    await turns(200);
    expect(concatBytes(got)).toEqual(pattern(5000));
    serial.destroy();
  });

  test('an end of the port is a disconnect', async () => {
    const { dte, dce } = memoryPair();
    const serial = asSerialPort(dte);
    serial.resume();
    await turns();
    const closed = new Promise((resolve) => serial.once('close', resolve));
    await dce.close();
    expect(await closed).toMatchObject({ disconnected: true });
    expect(serial.isOpen).toBe(false);
    const opened = new Promise((resolve) => {
      serial.open(resolve);
    });
    expect(await opened).toMatchObject({ message: /it is closed/ as unknown as string });
  });
});
