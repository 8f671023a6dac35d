/** A whole number of a set form: its inclusive ranges. */
export interface NumberFact {
  readonly ranges: readonly (readonly [minimum: number, maximum: number])[];
  /** May be left out. */
  readonly optional?: boolean;
}

/** A string of a set form. */
export interface TextFact {
  readonly maximumLength: number;
  readonly optional?: boolean;
  /** The only values. */
  readonly allowed?: readonly string[];
}

/** Where a value lives: `nvm` at once; `profile` with &W; until the next power-up; or with a command that saves it. */
export type Kept = 'nvm' | 'profile' | 'volatile' | { readonly savedBy: string; readonly erasedBy: string };

/** What a form answers: information lines before OK, or a final result, or a +CME ERROR. */
export type FormFact = readonly string[] | 'ERROR' | 'NO CARRIER' | number;

/** What the guides say of a command. Its forms are those of a module that is registered and has nothing open. */
export interface CommandFact {
  readonly name: string;
  /** Where it stands: a clause of the IP Easy guide, of 3GPP TS 27.007, of V.250, or the AT commands reference guide. */
  readonly clause: string;
  /** Parameters of the set form; without it there is none. */
  readonly parameters?: readonly (NumberFact | TextFact)[];
  /** A set form as the guides show it, text behind `=`, and what it answers. */
  readonly sample?: string;
  readonly answer?: FormFact;
  /** The execution form (for basic commands with the number behind it), the read form, the test form. */
  readonly execute?: FormFact;
  readonly read?: FormFact;
  readonly test?: FormFact;
  /** For a basic command: the values that follow its name. */
  readonly values?: readonly [minimum: number, maximum: number];
  readonly kept?: Kept;
  /** What the sample changes: the lines of the read form (or of `shownBy`) after it. */
  readonly shows?: readonly string[];
  readonly shownBy?: string;
  /** Commands that must come before: contexts that must be defined. */
  readonly after?: readonly string[];
  /** The line speaks otherwise behind it, or the module restarts: each check wants a module of its own. */
  readonly isDrastic?: boolean;
}

const n = (minimum: number, maximum: number): NumberFact => ({ ranges: [[minimum, maximum]] });
const opt = (minimum: number, maximum: number): NumberFact => ({ ranges: [[minimum, maximum]], optional: true });
const t = (maximumLength: number): TextFact => ({ maximumLength });
const optText = (maximumLength: number): TextFact => ({ maximumLength, optional: true });

const CONN_ID = n(1, 6);
const CID = n(1, 5);
/** closureType: 0, or 255. */
const CLOSURE: NumberFact = {
  ranges: [
    [0, 0],
    [255, 255],
  ],
  optional: true,
};
const SIX = [1, 2, 3, 4, 5, 6];

const R97: readonly NumberFact[] = [
  opt(0, 3),
  opt(0, 4),
  opt(0, 5),
  opt(0, 9),
  {
    ranges: [
      [0, 18],
      [31, 31],
    ],
    optional: true,
  },
];
const R97_TEST = '"IP",(0-3),(0-4),(0-5),(0-9),(0-18,31)';

// Steps within a range (8, 64, 100 kbit/s) have a test of their own.
const UP: NumberFact = {
  ranges: [
    [0, 64],
    [568, 576],
    [8640, 8640],
  ].map(([low = 0, high = 0]) => [low, high] as const),
  optional: true,
};
const R99: readonly (NumberFact | TextFact)[] = [
  opt(0, 4),
  UP,
  { ranges: [...UP.ranges, [8700, 8700], [16_000, 16_000]], optional: true },
  UP,
  { ranges: [...UP.ranges, [8700, 8700], [16_000, 16_000]], optional: true },
  opt(0, 2),
  {
    ranges: [
      [0, 0],
      [10, 1500],
      [1502, 1502],
      [1510, 1510],
      [1520, 1520],
    ],
    optional: true,
  },
  {
    maximumLength: 3,
    optional: true,
    allowed: ['0E0', '1E1', '1E2', '7E3', '1E3', '1E4', '1E5', '1E6'],
  },
  {
    maximumLength: 3,
    optional: true,
    allowed: ['0E0', '5E2', '1E2', '5E3', '4E3', '1E3', '1E4', '1E5', '1E6', '6E8'],
  },
  opt(0, 3),
  {
    ranges: [
      [0, 0],
      [10, 10],
      [150, 150],
      [200, 200],
      [950, 950],
      [1000, 1000],
      [4000, 4000],
    ],
    optional: true,
  },
  opt(0, 3),
];
const RATE_UP = '(0-63,64-568,576-8640)';
const RATE_DOWN = '(0-63,64-568,576-8640,8700-16000)';
const R99_TEST = `"IP",(0-4),${RATE_UP},${RATE_DOWN},${RATE_UP},${RATE_DOWN},(0-2),(0,10-1500,1502,1510,1520),("0E0","1E1","1E2","7E3","1E3","1E4","1E5","1E6"),("0E0","5E2","1E2","5E3","4E3","1E3","1E4","1E5","1E6","6E8"),(0-3),(0,10-150,200-950,1000-4000),(0-3)`;

const PROFILE = { kept: 'profile' } as const;
const LEGACY = { kept: { savedBy: '#SKTSAV', erasedBy: '#SKTRST' } } as const;
const MAIL = { kept: { savedBy: '#ESAV', erasedBy: '#ERST' } } as const;

/** A basic command that sets a number of the profile, shown by &V. */
const basic = (name: string, values: readonly [number, number], changed: number, clause: string): CommandFact => ({
  name,
  clause,
  values,
  sample: String(changed),
  shownBy: '&V',
  shows: [`${name}${changed}`],
  ...PROFILE,
});

const register = (
  name: string,
  values: readonly [number, number],
  factory: number,
  changed: number,
  clause: string,
): CommandFact => ({
  name,
  clause,
  parameters: [n(...values)],
  read: [String(factory).padStart(3, '0')],
  sample: String(changed),
  shows: [String(changed).padStart(3, '0')],
  ...PROFILE,
});

/** +CREG and the like: one number of the profile. */
const setting = (
  name: string,
  values: readonly [number, number],
  factory: string,
  changed: string,
  clause: string,
): CommandFact => ({
  name,
  clause,
  parameters: [n(...values)],
  read: [`${name}: ${factory}`],
  test: [`${name}: (${values[0]}-${values[1]})`],
  sample: changed.split(',')[0] ?? '',
  shows: [`${name}: ${changed}`],
  ...PROFILE,
});

const standard: readonly CommandFact[] = [
  { name: 'A', clause: 'V.250 §6.3.5', execute: 'NO CARRIER' },
  { name: 'D', clause: 'V.250 §6.3.1, guide §2.2', execute: 'NO CARRIER' },
  { name: 'P', clause: 'V.250 §6.3.3', execute: [] },
  { name: 'T', clause: 'V.250 §6.3.2', execute: [] },
  { name: 'H', clause: 'guide §2.3', execute: [], values: [0, 0] },
  { name: 'O', clause: 'V.250 §6.3.7', execute: 'NO CARRIER', values: [0, 0] },
  { name: 'I', clause: 'V.250 §6.1.3', execute: ['322'], values: [0, 4] },
  { name: 'Z', clause: 'V.250 §6.1.1', execute: [], values: [0, 1], isDrastic: true },
  { name: '&F', clause: 'V.250 §6.1.2', execute: [], values: [0, 1], isDrastic: true },
  { name: '&W', clause: 'AT reference guide', execute: [], values: [0, 1] },
  { name: '&P', clause: 'AT reference guide', execute: [], values: [0, 1] },
  basic('E', [0, 1], 1, 'V.250 §6.2.4'),
  { ...basic('V', [0, 1], 0, 'V.250 §6.2.6'), isDrastic: true },
  { ...basic('Q', [0, 2], 1, 'V.250 §6.2.5'), isDrastic: true },
  basic('X', [0, 4], 3, 'V.250 §6.2.7'),
  basic('&C', [0, 2], 2, 'V.250 §6.2.8'),
  basic('&D', [0, 4], 2, 'V.250 §6.2.9'),
  basic('&K', [0, 6], 4, 'AT reference guide'),
  basic('&S', [0, 3], 1, 'AT reference guide'),
  basic('\\Q', [0, 3], 1, 'AT reference guide'),
  basic('\\R', [0, 2], 2, 'AT reference guide'),
  basic('L', [0, 3], 2, 'V.250 §6.3.13'),
  basic('M', [0, 2], 2, 'V.250 §6.3.14'),
  register('S0', [0, 255], 0, 2, 'V.250 §6.3.8'),
  register('S2', [0, 255], 43, 44, 'AT reference guide'),
  { ...register('S3', [0, 127], 13, 13, 'V.250 §6.2.1'), isDrastic: true },
  { ...register('S4', [0, 127], 10, 13, 'V.250 §6.2.2'), isDrastic: true },
  { ...register('S5', [0, 127], 8, 127, 'V.250 §6.2.3'), isDrastic: true },
  register('S7', [1, 255], 60, 70, 'V.250 §6.3.10'),
  register('S10', [1, 255], 14, 20, 'V.250 §6.3.12'),
  register('S12', [20, 255], 50, 40, 'guide §2.3'),
  register('S25', [0, 255], 5, 50, 'AT reference guide'),
  register('S30', [0, 127], 0, 10, 'AT reference guide'),
  register('S38', [0, 255], 20, 30, 'AT reference guide'),
];

const identity: readonly CommandFact[] = [
  ...(['+CGMI', '+GMI'] as const).map((name): CommandFact => ({ name, clause: '27.007 §5.1', execute: ['Telit'] })),
  ...(['+CGMM', '+GMM'] as const).map((name): CommandFact => ({ name, clause: '27.007 §5.2', execute: ['HE863-EUD'] })),
  ...(['+CGMR', '+GMR'] as const).map((name): CommandFact => ({ name, clause: '27.007 §5.3', execute: ['11.00.002'] })),
  ...(['+CGSN', '+GSN'] as const).map((name): CommandFact => ({
    name,
    clause: '27.007 §5.4',
    execute: ['004999010640000'],
  })),
  { name: '#CGMI', clause: 'AT reference guide', execute: ['#CGMI: Telit'] },
  { name: '#CGMM', clause: 'AT reference guide', execute: ['#CGMM: HE863-EUD'] },
  { name: '#CGMR', clause: 'AT reference guide', execute: ['#CGMR: 11.00.002'] },
  { name: '#CGSN', clause: 'AT reference guide', execute: ['#CGSN: 004999010640000'] },
  { name: '+CIMI', clause: '27.007 §5.6', execute: ['001010123456789'] },
  { name: '#CIMI', clause: 'AT reference guide', execute: ['#CIMI: 001010123456789'] },
  { name: '#CCID', clause: 'AT reference guide', execute: ['#CCID: 8988211000000000001'] },
  { name: '+GCAP', clause: 'V.250 §6.1.9', execute: ['+GCAP: +CGSM,+FCLASS,+DS'] },
];

const threeGpp: readonly CommandFact[] = [
  {
    name: '+CGDCONT',
    clause: 'guide §2.1.1, 27.007 §10.1.1',
    parameters: [
      CID,
      { maximumLength: 4, optional: true, allowed: ['IP', 'PPP'] },
      optText(100),
      optText(15),
      opt(0, 1),
      opt(0, 3),
    ],
    sample: '1,"IP","ibox.tim.it","0.0.0.0",0,0',
    read: [],
    test: ['+CGDCONT: (1-5),"IP",,,(0,1),(0-3)', '+CGDCONT: (1-5),"PPP",,,(0,1),(0-3)'],
    kept: 'nvm',
    shows: ['+CGDCONT: 1,"IP","ibox.tim.it","0.0.0.0",0,0'],
  },
  ...(['+CGQMIN', '+CGQREQ'] as const).map((name): CommandFact => ({
    name,
    clause: name === '+CGQMIN' ? 'guide §2.1.2' : 'guide §2.1.3',
    parameters: [CID, ...R97],
    sample: '1,2,0,0,5,4',
    read: [],
    test: [`${name}: ${R97_TEST}`],
    kept: 'nvm',
    shows: [`${name}: 1,2,0,0,5,4`],
  })),
  ...(['+CGEQMIN', '+CGEQREQ'] as const).map((name): CommandFact => ({
    name,
    clause: name === '+CGEQMIN' ? 'guide §2.1.4' : 'guide §2.1.5',
    parameters: [CID, ...R99],
    sample: '1,4,0,0,0,0,2,0,"0E0","0E0",3,0,0',
    read: [],
    test: [`${name}: ${R99_TEST}`],
    kept: 'nvm',
    shows: [`${name}: 1,4,0,0,0,0,2,0,"0E0","0E0",3,0,0`],
  })),
  {
    name: '+CGACT',
    clause: '27.007 §10.1.10, guide §3.2.1.3',
    after: ['+CGDCONT=1,"IP","a"'],
    parameters: [n(0, 1), opt(1, 5), opt(1, 5), opt(1, 5), opt(1, 5), opt(1, 5)],
    sample: '1,1',
    read: ['+CGACT: 1,0'],
    test: ['+CGACT: (0,1)'],
    kept: 'volatile',
    shows: ['+CGACT: 1,1'],
  },
  {
    name: '+CGATT',
    clause: '27.007 §10.1.9',
    parameters: [n(0, 1)],
    sample: '0',
    read: ['+CGATT: 1'],
    test: ['+CGATT: (0-1)'],
    kept: 'volatile',
    shows: ['+CGATT: 0'],
  },
  {
    name: '+CGPADDR',
    clause: '27.007 §10.1.14',
    after: ['+CGDCONT=1,"IP","a"', '+CGDCONT=3,"IP","b"'],
    parameters: [opt(1, 5), opt(1, 5), opt(1, 5), opt(1, 5), opt(1, 5)],
    sample: '1',
    answer: ['+CGPADDR: 1,""'],
    execute: ['+CGPADDR: 1,""', '+CGPADDR: 3,""'],
    test: ['+CGPADDR: (1,3)'],
  },
  {
    name: '+CGEREP',
    clause: '27.007 §10.1.19',
    parameters: [opt(0, 2), opt(0, 1)],
    sample: '1,0',
    read: ['+CGEREP: 0,0'],
    test: ['+CGEREP: (0-2),(0-1)'],
    shows: ['+CGEREP: 1,0'],
    ...PROFILE,
  },
  setting('+CREG', [0, 2], '0,1', '2,1,"00C8","1F2A"', '27.007 §7.2'),
  setting('+CGREG', [0, 2], '0,1', '1,1', '27.007 §10.1.20'),
  { name: '+CSQ', clause: '27.007 §8.5', execute: ['+CSQ: 21,0'], test: ['+CSQ: (0-31,99),(0-7,99)'] },
  {
    name: '+CPIN',
    clause: '27.007 §8.3',
    parameters: [t(8), optText(8)],
    sample: '"1234"',
    // No PIN is asked for.
    answer: 3,
    read: ['+CPIN: READY'],
    test: [],
  },
  { ...setting('+CMEE', [0, 2], '1', '2', '27.007 §9.1'), isDrastic: true },
  {
    name: '+IFC',
    clause: 'V.250 §6.2.12',
    parameters: [n(0, 2), opt(0, 2)],
    sample: '0,0',
    read: ['+IFC: 2,2'],
    test: ['+IFC: (0-2),(0-2)'],
    shows: ['+IFC: 0,0'],
    ...PROFILE,
  },
  {
    name: '+IPR',
    clause: 'V.250 §6.2.10',
    parameters: [
      {
        ranges: [0, 300, 1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600].map(
          (rate) => [rate, rate] as const,
        ),
      },
    ],
    sample: '115200',
    read: ['+IPR: 0'],
    test: ['+IPR: (),(0,300,1200,2400,4800,9600,19200,38400,57600,115200,230400,460800,921600)'],
    kept: 'nvm',
    shows: ['+IPR: 115200'],
  },
  {
    name: '+ICF',
    clause: 'V.250 §6.2.11',
    parameters: [n(0, 5), opt(0, 1)],
    sample: '2,1',
    read: ['+ICF: 3,0'],
    test: ['+ICF: (0-5),(0-1)'],
    kept: 'nvm',
    shows: ['+ICF: 2,1'],
  },
  { name: '+FCLASS', clause: 'V.250', parameters: [n(0, 0)], sample: '0', read: ['0'], test: ['+FCLASS: 0'] },
  {
    name: '+COPS',
    clause: '27.007 §7.3',
    parameters: [n(0, 4), opt(0, 2), optText(20)],
    sample: '0',
    read: ['+COPS: 0,2,"00101"'],
    test: ['+COPS: (2,"cellmux","cellmux","00101"),,(0-4),(0,2)'],
  },
  {
    name: '+CFUN',
    clause: '27.007 §8.2',
    parameters: [
      {
        ranges: [
          [0, 1],
          [4, 5],
        ],
      },
      opt(0, 1),
    ],
    sample: '4',
    read: ['+CFUN: 1'],
    test: ['+CFUN: (0-1,4-5),(0-1)'],
    kept: 'volatile',
    shows: ['+CFUN: 4'],
    isDrastic: true,
  },
  {
    name: '+CMUX',
    clause: '27.007 §5.7',
    parameters: [n(0, 0), opt(0, 0)],
    sample: '0',
    read: ['+CMUX: 0,0'],
    test: ['+CMUX: (0),(0)'],
    isDrastic: true,
  },
  setting('#SELINT', [0, 2], '2', '1', 'AT reference guide'),
  setting('#SKIPESC', [0, 1], '0', '1', 'guide §3.2.1.6'),
  setting('#E2ESC', [0, 10], '0', '2', 'AT reference guide'),
  { name: '#QDNS', clause: 'AT reference guide', parameters: [t(64)], sample: '"no.such.name"', answer: 558, test: [] },
  { name: '#REBOOT', clause: 'AT reference guide', execute: [], test: [], isDrastic: true },
];

const sockets: readonly CommandFact[] = [
  {
    name: '#SGACT',
    clause: 'guide §3.2.1.3',
    after: ['+CGDCONT=1,"IP","a"', '+CGDCONT=3,"IP","b"'],
    parameters: [CID, n(0, 1), optText(128), optText(128)],
    sample: '1,1',
    answer: ['#SGACT: 10.64.0.1'],
    read: ['#SGACT: 1,0', '#SGACT: 3,0'],
    test: ['#SGACT: (1-5),(0,1)'],
    kept: 'volatile',
    shows: ['#SGACT: 1,1', '#SGACT: 3,0'],
  },
  {
    name: '#SGACTCFG',
    clause: 'AT reference guide',
    parameters: [CID, n(0, 15), opt(180, 3600), opt(0, 1)],
    sample: '1,15,240,1',
    read: [1, 2, 3, 4, 5].map((cid) => `#SGACTCFG: ${cid},0,180,0`),
    test: ['#SGACTCFG: (1-5),(0-15),(180-3600),(0-1)'],
    kept: 'nvm',
    shows: ['#SGACTCFG: 1,15,240,1', ...[2, 3, 4, 5].map((cid) => `#SGACTCFG: ${cid},0,180,0`)],
  },
  {
    name: '#SGACTAUTH',
    clause: 'AT reference guide',
    parameters: [n(0, 3)],
    sample: '2',
    read: ['#SGACTAUTH: 1'],
    test: ['#SGACTAUTH: (0-3)'],
    kept: 'nvm',
    shows: ['#SGACTAUTH: 2'],
  },
  {
    name: '#SCFG',
    clause: 'guide §3.2.1.2',
    parameters: [CONN_ID, CID, n(0, 1500), n(0, 65_535), n(10, 1200), n(0, 255)],
    sample: '2,3,512,30,300,100',
    read: SIX.map((connId) => `#SCFG: ${connId},${connId <= 3 ? 1 : 2},300,90,600,50`),
    test: ['#SCFG: (1-6),(1-5),(0-1500),(0-65535),(10-1200),(0-255)'],
    kept: 'nvm',
    shows: SIX.map((connId) =>
      connId === 2 ? '#SCFG: 2,3,512,30,300,100' : `#SCFG: ${connId},${connId <= 3 ? 1 : 2},300,90,600,50`,
    ),
  },
  {
    name: '#SCFGEXT',
    clause: 'guide §4.2.2',
    parameters: [CONN_ID, n(0, 2), n(0, 1), n(0, 240), opt(0, 1), opt(0, 1)],
    sample: '3,1,1,4,0,1',
    read: SIX.map((connId) => `#SCFGEXT: ${connId},0,0,0,0,0`),
    test: ['#SCFGEXT: (1-6),(0-2),(0,1),(0-240),(0,1),(0,1)'],
    kept: 'nvm',
    shows: SIX.map((connId) => `#SCFGEXT: ${connId},${connId === 3 ? '1,1,4,0,1' : '0,0,0,0,0'}`),
  },
  {
    name: '#SD',
    clause: 'guide §3.2.1.4, §4.2.1',
    parameters: [CONN_ID, n(0, 1), n(1, 65_535), t(255), CLOSURE, opt(0, 65_535), opt(0, 1)],
    sample: '3,0,80,"www.telit.com"',
    answer: 556,
    test: ['#SD: (1-6),(0-1),(1-65535),,(0,255),(0-65535),(0-1)'],
  },
  {
    name: '#SO',
    clause: 'guide §3.2.1.5',
    parameters: [CONN_ID],
    sample: '2',
    answer: 'NO CARRIER',
    test: ['#SO: (1-6)'],
  },
  { name: '#SH', clause: 'guide §3.2.1.6', parameters: [CONN_ID], sample: '2', test: ['#SH: (1-6)'] },
  {
    name: '#SL',
    clause: 'guide §3.2.2.2',
    parameters: [CONN_ID, n(0, 1), opt(0, 65_535), CLOSURE],
    sample: '2,1,6543',
    answer: 556,
    read: [],
    test: ['#SL: (1-6),(0-1),(0-65535),(0,255)'],
  },
  {
    name: '#SLUDP',
    clause: 'guide §3.2.2.3',
    parameters: [CONN_ID, n(0, 1), opt(0, 65_535)],
    sample: '2,1,6543',
    answer: 556,
    read: [],
    test: ['#SLUDP: (1-6),(0-1),(0-65535)'],
  },
  {
    name: '#SA',
    clause: 'guide §3.2.2.3',
    parameters: [CONN_ID, opt(0, 1)],
    sample: '3',
    answer: 551,
    test: ['#SA: (1-6),(0-1)'],
  },
  {
    name: '#SS',
    clause: 'guide §3.2.2.4',
    parameters: [CONN_ID],
    sample: '4',
    answer: ['#SS: 4,0'],
    execute: SIX.map((connId) => `#SS: ${connId},0`),
    test: [],
  },
  {
    name: '#SI',
    clause: 'guide §4.2.5',
    parameters: [CONN_ID],
    sample: '2',
    answer: ['#SI: 2,0,0,0,0'],
    execute: SIX.map((connId) => `#SI: ${connId},0,0,0,0`),
    test: [],
  },
  ...(['#SSEND', '#SEND'] as const).map((name): CommandFact => ({
    name,
    clause: 'guide §4.2.3',
    parameters: [CONN_ID],
    sample: '1',
    answer: 3,
    test: [],
  })),
  ...(['#SSENDEXT', '#SENDEXT'] as const).map((name): CommandFact => ({
    name,
    clause: 'guide §4.2.3',
    parameters: [CONN_ID, n(1, 1500)],
    sample: '1,10',
    answer: 3,
    test: [`${name}: (1-6),(1-1500)`],
  })),
  {
    name: '#SRECV',
    clause: 'guide §4.2.4',
    parameters: [CONN_ID, n(1, 1500), opt(0, 1)],
    sample: '1,15',
    answer: 3,
    test: ['#SRECV: (1-6),(1-1500),(0-1)'],
  },
  {
    name: '#FRWL',
    clause: 'guide §3.2.2.1',
    parameters: [n(0, 2), optText(15), optText(15)],
    sample: '1,"197.158.1.1","255.255.0.0"',
    read: [],
    test: ['#FRWL: (0-2),,'],
    kept: 'volatile',
    shows: ['#FRWL: 197.158.1.1,255.255.0.0'],
  },
  {
    name: '#TCPMAXDAT',
    clause: 'guide §3.2.1.7',
    parameters: [
      {
        ranges: [
          [0, 0],
          [496, 1420],
        ],
      },
    ],
    sample: '1000',
    read: ['#TCPMAXDAT: 0'],
    test: ['#TCPMAXDAT: (0,496-1420)'],
    kept: 'nvm',
    shows: ['#TCPMAXDAT: 1000'],
  },
  {
    name: '#CGPADDR',
    clause: 'AT reference guide',
    after: ['+CGDCONT=1,"IP","a"', '+CGDCONT=3,"IP","b"'],
    parameters: [opt(1, 5), opt(1, 5), opt(1, 5), opt(1, 5), opt(1, 5)],
    sample: '',
    answer: ['#CGPADDR: 1,""', '#CGPADDR: 3,""'],
    execute: ['#CGPADDR: 1,""', '#CGPADDR: 3,""'],
    test: ['#CGPADDR: (1,3)'],
  },
  {
    name: '#PADFWD',
    clause: 'AT reference guide',
    parameters: [n(0, 255), opt(0, 0)],
    sample: '13',
    read: ['#PADFWD: 0,0'],
    test: ['#PADFWD: (0-255),(0)'],
    kept: 'volatile',
    shows: ['#PADFWD: 13,0'],
  },
  {
    name: '#PADCMD',
    clause: 'AT reference guide',
    parameters: [n(0, 1)],
    sample: '1',
    read: ['#PADCMD: 0'],
    test: ['#PADCMD: (0-1)'],
    kept: 'volatile',
    shows: ['#PADCMD: 1'],
  },
  {
    name: '#BASE64',
    clause: 'AT reference guide',
    parameters: [CONN_ID, n(0, 2), n(0, 2)],
    sample: '1,1,1',
    // Only on a connection that is open and suspended.
    answer: 3,
    read: SIX.map((connId) => `#BASE64: ${connId},0,0`),
    test: ['#BASE64: (1-6),(0-2),(0-2)'],
  },
  { name: '#ST', clause: 'modules that came after', execute: 'ERROR', sample: '1', answer: 'ERROR', test: 'ERROR' },
  {
    name: '#SLASTCLOSURE',
    clause: 'modules that came after',
    execute: 'ERROR',
    sample: '1',
    answer: 'ERROR',
    test: 'ERROR',
  },
];

const NO_SESSION = 607;

const ftp: readonly CommandFact[] = [
  {
    name: '#FTPTO',
    clause: 'guide §3.3',
    parameters: [{ ...n(100, 5000), optional: true }],
    sample: '1000',
    execute: ['#FTPTO: 100'],
    read: ['#FTPTO: 100'],
    test: ['#FTPTO: (100-5000)'],
    kept: 'volatile',
    shows: ['#FTPTO: 1000'],
  },
  {
    name: '#FTPOPEN',
    clause: 'guide §3.3.1',
    parameters: [t(200), optText(100), optText(100), opt(0, 1)],
    sample: '"199.188.25.77","user","pass",0',
    // Cannot activate: there is no context.
    answer: 602,
    test: [],
  },
  { name: '#FTPCLOSE', clause: 'guide §3.3.1', execute: NO_SESSION, test: [] },
  {
    name: '#FTPTYPE',
    clause: 'guide §3.3.2',
    parameters: [{ ...n(0, 1), optional: true }],
    sample: '0',
    answer: NO_SESSION,
    execute: NO_SESSION,
    read: NO_SESSION,
    test: ['#FTPTYPE: (0-1)'],
  },
  { name: '#FTPMSG', clause: 'AT reference guide', execute: ['#FTPMSG: '], test: [] },
  ...(['#FTPPUT', '#FTPAPP', '#FTPGET', '#FTPDELE', '#FTPFSIZE'] as const).map((name): CommandFact => ({
    name,
    clause: name === '#FTPPUT' ? 'guide §3.3.3' : name === '#FTPGET' ? 'guide §3.3.4' : 'AT reference guide',
    parameters: [t(200)],
    sample: '"test.txt"',
    answer: NO_SESSION,
    test: [],
  })),
  {
    name: '#FTPLIST',
    clause: 'AT reference guide',
    parameters: [optText(200)],
    sample: '"docs"',
    answer: NO_SESSION,
    execute: NO_SESSION,
    test: [],
  },
  {
    name: '#FTPREST',
    clause: 'AT reference guide',
    parameters: [n(0, 2_147_483_647)],
    sample: '1000',
    answer: NO_SESSION,
    test: [],
  },
  {
    name: '#FTPGETPKT',
    clause: 'AT reference guide',
    parameters: [t(200), opt(0, 1)],
    sample: '"test.txt",1',
    answer: NO_SESSION,
    read: 601,
    test: [],
  },
  {
    name: '#FTPRECV',
    clause: 'AT reference guide',
    parameters: [n(1, 3000)],
    sample: '400',
    answer: 601,
    read: 601,
    test: ['#FTPRECV: (1-3000)'],
  },
  {
    name: '#FTPCWD',
    clause: 'guide §3.3.4',
    parameters: [optText(200)],
    sample: '"docs"',
    answer: NO_SESSION,
    execute: NO_SESSION,
    test: [],
  },
  { name: '#FTPPWD', clause: 'AT reference guide', execute: NO_SESSION, test: [] },
];

const email: readonly CommandFact[] = [
  ...(
    [
      ['#ESMTP', 'mail.domain.com'],
      ['#EADDR', 'me@domain.com'],
      ['#EUSER', 'me'],
    ] as const
  ).map(([name, value]): CommandFact => ({
    name,
    clause: 'AT reference guide',
    parameters: [optText(100)],
    sample: `"${value}"`,
    read: [`${name}: ""`],
    test: [],
    shows: [`${name}: "${value}"`],
    ...MAIL,
  })),
  { name: '#EPASSW', clause: 'AT reference guide', parameters: [optText(100)], sample: '"secret"', test: [] },
  { name: '#ESAV', clause: 'AT reference guide', execute: [], test: [] },
  { name: '#ERST', clause: 'AT reference guide', execute: [], test: [] },
  {
    name: '#EMAILACT',
    clause: 'AT reference guide',
    after: ['+CGDCONT=1,"IP","a"'],
    parameters: [n(0, 1)],
    sample: '1',
    read: ['#EMAILACT: 0'],
    test: ['#EMAILACT: (0-1)'],
    kept: 'volatile',
    shows: ['#EMAILACT: 1'],
  },
  {
    name: '#EMAILD',
    clause: 'AT reference guide',
    parameters: [t(100), t(100), opt(0, 0)],
    sample: '"you@domain.com","hello",0',
    answer: 556,
    test: [],
  },
  {
    name: '#SEMAIL',
    clause: 'AT reference guide',
    parameters: [t(100), t(100), opt(0, 0)],
    sample: '"you@domain.com","hello",0',
    // No context is defined that it could activate.
    answer: 3,
    test: [],
  },
  { name: '#EMAILMSG', clause: 'AT reference guide', execute: ['#EMAILMSG: '], test: [] },
];

const legacyNumber = (
  name: string,
  values: readonly [number, number],
  factory: number,
  changed: number,
): CommandFact => ({
  name,
  clause: 'guide §3.4',
  parameters: [n(...values)],
  sample: String(changed),
  read: [`${name}: ${factory}`],
  test: [`${name}: (${values[0]}-${values[1]})`],
  shows: [`${name}: ${changed}`],
  ...LEGACY,
});

const legacy: readonly CommandFact[] = [
  {
    name: '#GPRS',
    clause: 'guide §3.4',
    after: ['+CGDCONT=1,"IP","a"'],
    parameters: [n(0, 1)],
    sample: '1',
    answer: ['+IP: 10.64.0.1'],
    read: ['#GPRS: 0'],
    test: ['#GPRS: (0-1)'],
    kept: 'volatile',
    shows: ['#GPRS: 1'],
  },
  {
    name: '#USERID',
    clause: 'guide §3.4',
    parameters: [t(128)],
    sample: '"EASY GPRS"',
    read: ['#USERID: ""'],
    test: [],
    shows: ['#USERID: "EASY GPRS"'],
    ...LEGACY,
  },
  { name: '#PASSW', clause: 'guide §3.4', parameters: [t(128)], sample: '"EASY GPRS"', test: [] },
  legacyNumber('#PKTSZ', [0, 512], 300, 100),
  legacyNumber('#DSTO', [0, 255], 50, 10),
  legacyNumber('#SKTTO', [0, 65_535], 90, 30),
  legacyNumber('#SKTCT', [10, 1200], 600, 300),
  {
    name: '#SKTSET',
    clause: 'guide §3.4',
    parameters: [n(0, 1), n(1, 65_535), t(255), CLOSURE, opt(0, 65_535)],
    sample: '0,80,"www.telit.com"',
    read: ['#SKTSET: 0,3333,"",0,0'],
    test: ['#SKTSET: (0-1),(1-65535),,(0,255),(0-65535)'],
    shows: ['#SKTSET: 0,80,"www.telit.com",0,0'],
    ...LEGACY,
  },
  { name: '#SKTSAV', clause: 'guide §3.4', execute: [], test: [] },
  { name: '#SKTRST', clause: 'guide §3.4', execute: [], test: [] },
  // Nothing was set to go to.
  { name: '#SKTOP', clause: 'guide §3.2.2.7', execute: 3, test: [] },
  {
    name: '#SKTD',
    clause: 'guide §3.2.2.7',
    parameters: [n(0, 1), n(1, 65_535), t(255), CLOSURE, opt(0, 65_535)],
    sample: '0,80,"www.telit.com"',
    answer: 556,
    test: ['#SKTD: (0-1),(1-65535),,(0,255),(0-65535)'],
  },
  {
    name: '#SKTL',
    clause: 'guide §3.2.2.7',
    parameters: [n(0, 1), n(0, 1), n(1, 65_535), CLOSURE],
    sample: '1,0,1024',
    answer: 556,
    read: ['#SKTL: 0'],
    test: ['#SKTL: (0-1),(0-1),(1-65535),(0,255)'],
  },
];

/** Every command of the module. */
export const COMMAND_FACTS: readonly CommandFact[] = [
  ...standard,
  ...identity,
  ...threeGpp,
  ...sockets,
  ...ftp,
  ...email,
  ...legacy,
];
