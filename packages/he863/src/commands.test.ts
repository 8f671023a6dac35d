import { memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { VirtualHe863 } from './index.ts';
import {
  COMMAND_FACTS,
  type CommandFact,
  type FormFact,
  type NumberFact,
  type TextFact,
} from './testing/command-facts.ts';
import { LineHost } from './testing/line-host.ts';

/** The commands that the module must have. */
const WANTED =
  `+CGDCONT +CGQMIN +CGQREQ +CGEQMIN +CGEQREQ +CGACT +CGATT +CGPADDR +CREG +CGREG +CSQ +CPIN +CMEE +IFC +CMUX D
H O &C &D &F &K &P &V &W S0 S2 S3 S4 S5 S7 S12 S25
#SGACT #SGACTCFG #SCFG #SCFGEXT #SD #SO #SH #SL #SLUDP #SA #SS #SI #SSEND #SEND #SSENDEXT #SENDEXT #SRECV #FRWL #TCPMAXDAT
#SKIPESC #CGPADDR #PADFWD #PADCMD #BASE64
#FTPTO #FTPOPEN #FTPCLOSE #FTPTYPE #FTPPUT #FTPAPP #FTPGET #FTPGETPKT #FTPRECV #FTPREST #FTPLIST #FTPCWD #FTPPWD #FTPDELE
#FTPFSIZE #FTPMSG
#ESMTP #EADDR #EUSER #EPASSW #EMAILD #SEMAIL #EMAILACT #EMAILMSG
#SKTSET #SKTOP #SKTD #SKTL #SKTSAV #SKTRST #GPRS #USERID #PASSW #PKTSZ #DSTO #SKTTO #SKTCT`.split(/\s+/);

/** What &V and +CLAC print is about all commands; they have tests of their own below. */
const ABOUT_ALL = ['&V', '+CLAC'];

const OK = '\r\nOK\r\n';
const PARAMETER_ERROR = '\r\n+CME ERROR: 4\r\n';
const ERROR = '\r\nERROR\r\n';

async function powered({ after = [] }: Pick<CommandFact, 'after'> = {}) {
  const clock = new VirtualClock();
  // Strings of the full length must fit.
  const module = new VirtualHe863({ clock, machineNames: false, maximumLineLength: 700 });
  onTestFinished(() => module.close());
  const { dte, dce } = memoryPair();
  module.serve(dce);
  const host = new LineHost(dte);
  const ask = async (command: string): Promise<string> => {
    await host.say(`AT${command}\r`);
    await clock.advance(50);
    return host.heard();
  };
  const setUp = async (): Promise<void> => {
    await ask('E0+CMEE=1');
    for (const command of after) expect(await ask(command), command).toBe(OK);
  };
  await setUp();
  const powerCycle = async (): Promise<void> => {
    await module.reset();
    await clock.advance(1000);
    await ask('E0+CMEE=1');
  };
  return { ask, powerCycle };
}

/** A form's answer as the line shows it. */
function shown(form: FormFact): string {
  if (typeof form === 'number') return `\r\n+CME ERROR: ${form}\r\n`;
  if (typeof form === 'string') return `\r\n${form}\r\n`;
  const [first, ...rest] = form;
  return first === undefined ? OK : `\r\n${[first, ...rest].join('\r\n')}\r\n${OK}`;
}

const isText = (fact: NumberFact | TextFact): fact is TextFact => 'maximumLength' in fact;
const isBasic = ({ name }: CommandFact): boolean => !/^[+#]/.test(name);
const isRegister = ({ name }: CommandFact): boolean => /^S\d/.test(name);
/** How a set form is written: `&C1`, `S12=50`, `+CREG=1`. */
const setForm = (fact: CommandFact, text: string): string =>
  fact.name + (isBasic(fact) && !isRegister(fact) ? '' : '=') + text;

/** Values of one parameter at the ends of its ranges, and just outside of them. */
function numbers({ ranges }: NumberFact): { readonly inside: readonly string[]; readonly outside: readonly string[] } {
  const isInside = (value: number): boolean => ranges.some(([low, high]) => value >= low && value <= high);
  const ends = ranges.flatMap(([low, high]) => [low, high]);
  const around = ends.flatMap((end) => [end - 1, end + 1]).filter((value) => !isInside(value));
  return {
    inside: ends.map(String),
    outside: [...around.map(String), '99999999999', 'x', '1x', '0x1', '1.5', '"'],
  };
}

function texts({ maximumLength, allowed }: TextFact) {
  return {
    inside: allowed?.map((value) => `"${value}"`) ?? [`"${'a'.repeat(maximumLength)}"`],
    outside: [allowed === undefined ? `"${'a'.repeat(maximumLength + 1)}"` : '"none"', '"a"b"', '"open'],
  };
}

function fields(sample: string): string[] {
  return sample === '' ? [] : sample.split(',');
}

describe('every command that is wanted is there, and every command that is there is described', () => {
  test('+CLAC lists them', async () => {
    const { ask } = await powered();
    const listed = (await ask('+CLAC')).split('\r\n').filter((line) => line !== '' && line !== 'OK');
    const described = COMMAND_FACTS.map(({ name }) => name);
    expect(new Set(described).size).toBe(described.length);
    expect(listed.toSorted()).toEqual([...described, ...ABOUT_ALL].toSorted());
    expect([...described, ...ABOUT_ALL]).toEqual(expect.arrayContaining(WANTED));
    expect(await ask('+CLAC=?')).toBe(OK);
  });
});

describe.each(COMMAND_FACTS)('$name ($clause)', (fact) => {
  const noForm = isBasic(fact) ? ERROR : PARAMETER_ERROR;

  test('read, test and execution form', async () => {
    const { ask } = await powered(fact);
    if (fact.name !== 'D') {
      expect(await ask(`${fact.name}?`)).toBe(fact.read === undefined ? noForm : shown(fact.read));
      // An action without parameters has a test form that is only OK.
      const test = fact.test ?? (isBasic(fact) ? undefined : []);
      expect(await ask(`${fact.name}=?`)).toBe(test === undefined ? ERROR : shown(test));
    }
    if (fact.execute !== undefined) expect(await ask(fact.name)).toBe(shown(fact.execute));
    else if (!isBasic(fact)) expect(await ask(fact.name)).toBe(PARAMETER_ERROR);
  });

  if (fact.sample !== undefined && !fact.isDrastic)
    test('as the guide shows it', async () => {
      const { ask } = await powered(fact);
      expect(await ask(setForm(fact, fact.sample ?? ''))).toBe(shown(fact.answer ?? []));
    });

  const { parameters } = fact;
  if (parameters !== undefined)
    test('ranges of its parameters', async () => {
      const all = parameters ?? [];
      const sample = fields(fact.sample ?? '');
      let { ask } = await powered(fact);
      const gives = async (text: string): Promise<string> => {
        if (fact.isDrastic) ({ ask } = await powered(fact));
        return ask(setForm(fact, text));
      };
      const wrong = isBasic(fact) ? ERROR : PARAMETER_ERROR;
      for (const [index, parameter] of all.entries()) {
        const values = isText(parameter) ? texts(parameter) : numbers(parameter);
        // What is optional before this one is left empty where the sample has nothing.
        const before = all.slice(0, index).map((_, place) => sample[place] ?? '');
        const behind = sample.slice(index + 1);
        for (const value of values.inside) {
          const text = [...before, value, ...behind].join(',');
          const answer = await gives(text);
          expect([PARAMETER_ERROR, ERROR], `${fact.name}=${text} is in range`).not.toContain(answer);
          expect(answer).not.toBe('');
        }
        // Behind the number of a register another command may follow: S0=x is S0= and X.
        const outside = isRegister(fact) ? values.outside.filter((value) => /^\d+$/.test(value)) : values.outside;
        for (const value of outside) {
          const text = [...before, value, ...behind].join(',');
          // A string that stays open is not even a line.
          const isOpen = (text.match(/"/g)?.length ?? 0) % 2 === 1;
          expect(await gives(text), `${fact.name}=${text} is out of range`).toBe(isOpen ? ERROR : wrong);
        }
        if (parameter.optional !== true && !isRegister(fact)) {
          expect(await gives([...before, '', ...behind].join(',')), `parameter ${index + 1} is missing`).toBe(wrong);
        }
      }
      if (isRegister(fact)) return;
      const full = all.map((parameter, place) => sample[place] ?? (isText(parameter) ? '""' : ''));
      expect(await gives([...full, '1'].join(',')), 'one parameter more').toBe(wrong);
    });

  if (fact.values !== undefined)
    test('its values', async () => {
      const [minimum, maximum] = fact.values ?? [0, 0];
      let { ask } = await powered(fact);
      for (let value = minimum; value <= maximum; value++) {
        if (fact.isDrastic) ({ ask } = await powered(fact));
        expect(await ask(`${fact.name}${value}`), String(value)).not.toBe(ERROR);
      }
      ({ ask } = await powered(fact));
      for (const value of [maximum + 1, 99, 1000]) expect(await ask(`${fact.name}${value}`), String(value)).toBe(ERROR);
    });

  if (fact.kept !== undefined)
    test('what is set is kept as long as it should be', async () => {
      const { kept, sample = '', shownBy = `${fact.name}?`, shows = [], read } = fact;
      const { ask, powerCycle } = await powered(fact);
      const factory = await ask(shownBy);
      const isFactory = async (): Promise<boolean> => withoutResult(await ask(shownBy)) === withoutResult(factory);
      const isChanged = async (): Promise<boolean> => {
        const answer = await ask(shownBy);
        return shownBy === '&V'
          ? answer.split(/[\s]+/).includes(shows[0] ?? '')
          : withoutResult(answer) === withoutResult(shown(shows));
      };
      const set = (): Promise<string> => ask(setForm(fact, sample));
      if (read !== undefined) expect(factory).toBe(shown(read));
      await set();
      expect(await isChanged()).toBe(true);
      if (kept === 'nvm' || kept === 'volatile') {
        await ask('Z');
        await ask('&F');
        await ask('E0+CMEE=1');
        expect(await isChanged()).toBe(true);
        await powerCycle();
        expect(await isChanged()).toBe(kept === 'nvm');
        expect(await isFactory()).toBe(kept !== 'nvm');
      } else if (kept === 'profile') {
        // `E0` and `+CMEE=1` were not saved either.
        const isFactoryAgain = async (): Promise<boolean> =>
          !(await isChanged()) || (await ask(shownBy)).includes(factory);
        await ask('Z');
        if (changesWhatTestsSet(fact)) return;
        await ask('E0+CMEE=1');
        expect(await isFactoryAgain()).toBe(true);
        await set();
        await ask('&W');
        await ask('&F');
        await ask('E0+CMEE=1');
        expect(await isFactoryAgain()).toBe(true);
        await ask('Z');
        await ask('E0');
        expect(await isChanged()).toBe(true);
        await powerCycle();
        expect(await isChanged()).toBe(true);
      } else if (kept !== undefined) {
        await ask('Z');
        await ask('&F');
        await ask('E0+CMEE=1');
        expect(await isChanged()).toBe(true);
        await powerCycle();
        expect(await isFactory()).toBe(true);
        await set();
        expect(await ask(kept.savedBy)).toBe(OK);
        await powerCycle();
        expect(await isChanged()).toBe(true);
        expect(await ask(kept.erasedBy)).toBe(OK);
        expect(await isFactory()).toBe(true);
        await powerCycle();
        expect(await isFactory()).toBe(true);
      }
    });
});

/** The values that these tests set themselves (E0, +CMEE=1), or S3 with its one harmless value. */
function changesWhatTestsSet({ name }: CommandFact): boolean {
  return ['E', '+CMEE', 'S3'].includes(name);
}

/** The information of an answer, however results look. */
function withoutResult(answer: string): string {
  return answer
    .replaceAll(/[\r\n]+/g, ' ')
    .trim()
    .replace(/ ?(OK|0)$/, '');
}
