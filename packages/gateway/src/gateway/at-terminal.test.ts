import { AtClient } from '@cellmux/at';
import { fromLatin1, latin1, memoryPair, type Port } from '@cellmux/port';
import { VirtualClock, settle } from '@cellmux/port/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { AtTerminal } from './at-terminal.ts';
import { TERMINAL_LINE_LIMIT_BYTES } from './at-terminal-line.ts';

/** A terminal, the AtTerminal, and a module that answers by hand. */
function setUp() {
  const clock = new VirtualClock();
  const typed = memoryPair({ name: 'terminal' });
  const line = memoryPair({ name: 'line' });
  const terminal = new AtTerminal(typed.dce, new AtClient(line.dte, { clock }));
  const record = (port: Port): { text: string } => {
    const seen = { text: '' };
    port.received$.subscribe((chunk) => (seen.text += fromLatin1(chunk)));
    return seen;
  };
  const screen = record(typed.dte);
  const module = record(line.dce);
  const type = async (text: string): Promise<void> => {
    await typed.dte.send(latin1(text));
    await clock.advance(100);
  };
  const answer = async (text: string): Promise<void> => {
    await line.dce.send(latin1(text));
    await clock.advance(100);
    await settle();
  };
  return { terminal, screen, module, type, answer };
}

let dispose: (() => void) | undefined;
afterEach(() => dispose?.());

function start(): ReturnType<typeof setUp> {
  const all = setUp();
  dispose = () => {
    all.terminal[Symbol.dispose]();
  };
  return all;
}

describe('AtTerminal', () => {
  it('echoes, passes a line on and prints the answer as a module prints it', async () => {
    const { screen, module, type, answer } = start();
    await type('AT+CS\bSQ\r');
    expect(module.text).toBe('AT+CSQ\r');
    await answer('\r\n+CSQ: 20,0\r\n\r\nOK\r\n');
    expect(screen.text).toBe('AT+CS\b \bSQ\r\r\n+CSQ: 20,0\r\n\r\nOK\r\n');
  });

  it('keeps settings of the dialogue to itself', async () => {
    const { screen, module, type, answer } = start();
    await type('ATE0V1\rAT\r');
    expect(module.text).toBe('AT\r');
    await answer('\r\nOK\r\n');
    expect(screen.text).toBe('ATE0V1\r\r\nOK\r\n\r\nOK\r\n');
    await type('ATZ\rATV0\rATQ1\rAT+CMUX=0\rATD*99#\r');
    expect(module.text).toBe('AT\r');
    expect(screen.text.match(/\r\nERROR\r\n/g)).toHaveLength(4);
  });

  it('prints refusals with their code', async () => {
    const { screen, type, answer } = start();
    await type('ATE0\rAT+X\r');
    await answer('\r\n+CME ERROR: 4\r\n');
    await type('AT+Y\r');
    await answer('\r\nERROR\r\n');
    expect(screen.text).toContain('\r\n+CME ERROR: 4\r\n\r\nERROR\r\n');
  });

  it('asks for the text of a command, and lets ESC give it up', async () => {
    const { screen, module, type, answer } = start();
    await type('ATE0\rAT+CMGS="123"\r');
    expect(screen.text.endsWith('\r\n> ')).toBe(true);
    expect(module.text).toBe('');
    await type('hello\x1b');
    expect(screen.text.endsWith('\r\n> \r\nOK\r\n')).toBe(true);
    await type('AT+CMGS="123"\rhello\x1a');
    expect(module.text).toBe('AT+CMGS="123"\r');
    await answer('\r\n> ');
    expect(module.text).toBe('AT+CMGS="123"\rhello\x1a');
    await answer('\r\n+CMGS: 1\r\n\r\nOK\r\n');
    expect(screen.text.endsWith('\r\n+CMGS: 1\r\n\r\nOK\r\n')).toBe(true);
  });

  it('prints unsolicited lines, not in the middle of an answer', async () => {
    const { screen, type, answer } = start();
    await type('ATE0\r');
    await answer('\r\n+CREG: 1\r\n');
    expect(screen.text.endsWith('OK\r\n\r\n+CREG: 1\r\n')).toBe(true);
    await type('AT+CSQ\r');
    await answer('\r\nRING\r\n');
    expect(screen.text).not.toContain('RING');
    await answer('\r\n+CSQ: 1,0\r\n\r\nOK\r\n');
    expect(screen.text.endsWith('+CSQ: 1,0\r\n\r\nOK\r\n\r\nRING\r\n')).toBe(true);
  });

  it('takes up what was typed ahead, and bounds a line', async () => {
    const { screen, module, type, answer } = start();
    await type('ATE0\rAT\rAT+CSQ\r');
    expect(module.text).toBe('AT\r');
    await answer('\r\nOK\r\n');
    expect(module.text).toBe('AT\rAT+CSQ\r');
    await answer('\r\nOK\r\n');
    await type(`AT${'x'.repeat(TERMINAL_LINE_LIMIT_BYTES)}\r`);
    expect(module.text).toBe('AT\rAT+CSQ\r');
    expect(screen.text.slice(-60)).toMatch(/\r\nERROR\r\n$/);
  });
});
