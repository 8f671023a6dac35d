import { decodeFrames, type DecodedFrame, type DecodedNoise } from '@cellmux/cmux';
import { CellmuxError, fromHex, toHex } from '@cellmux/port';
import { Command, Option } from 'commander';
import { readFile } from 'node:fs/promises';
import { isPcapng, readPcapng } from '../../core/pcapng-reader.ts';
import { localFailure } from '../../errors/describe-error.ts';
import type { CommandEnvironment } from '../command-environment.ts';
import type { Console } from '../console.ts';
import { frameForPeople, frameForScripts } from '../describe-frame.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { OnDone } from '../program.ts';
import { usageError } from '../usage-error.ts';

interface DecodeOptions {
  readonly file?: string;
  readonly option: 'basic' | 'advanced';
  readonly json?: boolean;
}

/** LINKTYPE_MUX27010: an octet of length of an extended header, one of direction, then the frame. */
const LINK_TYPE_MUX27010 = 236;
const MUX_HEAD_OCTETS = 2;

const EXAMPLES = `
Examples:
  $ cellmux decode F9 03 3F 01 1C F9
  $ cellmux decode --file line.pcapng             a capture of \`cellmux up --capture\`
  $ xxd -p line.bin | cellmux decode              hex digits on stdin
  $ cellmux decode --option advanced --json 7E033F1C7E

Digits may have spaces, colons, commas and 0x between them, and may be cut anywhere. A capture holds frames as ones of the
basic option, whatever the line used. Octets of no frame are shown as what they are, and why; the exit status is 0.`;

/** `cellmux decode`: CMUX frames in words. */
export function decodeCommand(environment: CommandEnvironment, onDone: OnDone): Command {
  return new Command('decode')
    .description('Show CMUX frames, from hex digits or a capture, with every field named.')
    .argument('[hex...]', 'the octets; from stdin when they are left out')
    .option('--file <file>', 'a pcapng capture, or a file of the octets themselves')
    .addOption(
      new Option('--option <option>', 'of 3GPP TS 27.010, for octets').choices(['basic', 'advanced']).default('basic'),
    )
    .option('--json', 'one JSON object for each frame')
    .addHelpText('after', EXAMPLES)
    .action(async (hex: readonly string[], options: DecodeOptions) => {
      onDone(await runDecode(hex, options, environment));
    });
}

async function runDecode(
  hex: readonly string[],
  { file, option, json = false }: DecodeOptions,
  { console }: CommandEnvironment,
): Promise<ExitCode> {
  const show = (item: DecodedFrame | DecodedNoise, extra: object, head: string): void => {
    if (json) console.printJson({ ...extra, ...(frameForScripts(item) as object) });
    else console.print(head + frameForPeople(item, console.colours));
  };
  if (file !== undefined && hex.length > 0) throw usageError('give hex digits or --file, not both');
  const octets = file === undefined ? await octetsOfDigits(hex, console) : await readOctets(file);
  if (octets.length === 0) throw usageError(`there are no octets in ${file ?? 'that'}`);
  if (isPcap(octets)) throw pcapError(file ?? 'that');
  if (!isPcapng(octets)) {
    for (const item of decodeFrames(octets, { option }).items) show(item, {}, '');
    return EXIT.ok;
  }
  const { records, wrong } = readPcapng(octets);
  const frames = records.filter(({ linkType }) => linkType === LINK_TYPE_MUX27010);
  const startS = records[0]?.timeS ?? 0;
  for (const { timeS, octets: record } of frames) {
    const to = record[1] === 0 ? 'module' : 'host';
    const head = `${(timeS - startS).toFixed(6).padStart(12)}  ${to === 'module' ? '→' : '←'}  `;
    for (const item of decodeFrames(record.subarray(MUX_HEAD_OCTETS)).items) show(item, { timeS, to }, head);
  }
  if (wrong !== undefined) console.complain(`${file ?? 'the capture'} is not read to its end: ${wrong}.`);
  if (frames.length > 0) return EXIT.ok;
  console.complain(`${file ?? 'the capture'} holds no CMUX frames (link type ${LINK_TYPE_MUX27010}).`);
  return EXIT.failed;
}

async function octetsOfDigits(hex: readonly string[], console: Console): Promise<Uint8Array> {
  const text = hex.length > 0 ? hex.join(' ') : await readAll(console);
  const octets = fromHex(text.replace(/0x|[\s:,-]/gi, ''));
  if (octets === undefined) throw usageError('that is not whole octets in hex digits');
  return octets;
}

/** The older format of captures, in either byte order, with times in microseconds or nanoseconds. */
function isPcap(octets: Uint8Array): boolean {
  return ['d4c3b2a1', 'a1b2c3d4', '4d3cb2a1', 'a1b23c4d'].includes(toHex(octets.subarray(0, 4)).toLowerCase());
}

function pcapError(file: string): CellmuxError {
  return new CellmuxError('ERR_GATEWAY_LOCAL', `${file} is a pcap file, and only pcapng is read`, {
    hint: `Convert it: editcap -F pcapng ${file} ${file}ng.`,
  });
}

async function readAll({ streams: { stdin } }: Console): Promise<string> {
  if (stdin.isTTY === true) throw usageError('there is nothing to decode: give hex digits, or --file');
  let text = '';
  for await (const chunk of stdin) text += String(chunk);
  return text;
}

async function readOctets(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw localFailure(`cannot read ${file}`, error);
  }
}
