import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What tshark makes of a capture. */
export interface ReadCapture {
  /** Records by link type of their interface: `236` CMUX, `204` PPP. */
  readonly records: Readonly<Record<string, number>>;
  /** The protocols of each record, `ppp:pap` and so on. */
  readonly protocols: readonly string[];
  /** What it complains of: records that are malformed, warnings, errors; its own words on stderr. */
  readonly complaints: readonly string[];
}

/** From here on expert information of tshark is a warning or an error. */
const WARNING = 0x600000;

/** Reads a capture with tshark, as it is: no profile, no plugin. */
export async function readCapture(path: string): Promise<ReadCapture> {
  const fields = ['frame.encap_type', 'frame.protocols', '_ws.malformed', '_ws.expert.severity', '_ws.expert.message'];
  const { stdout, stderr } = await promisify(execFile)(
    'tshark',
    ['-r', path, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  const records: Record<string, number> = {};
  const protocols: string[] = [];
  // What it says of running as root is about itself.
  const complaints = stderr.split('\n').filter((line) => line !== '' && !/Running as user "root"/.test(line));
  for (const line of stdout.split('\n').filter((text) => text !== '')) {
    const [type = '', protocol = '', malformed = '', severity = '', message = ''] = line.split('\t');
    records[type] = (records[type] ?? 0) + 1;
    protocols.push(protocol);
    const worst = Math.max(0, ...severity.split(',').map(Number));
    if (malformed !== '' || worst >= WARNING) complaints.push(`${protocol}: ${malformed}${message}`);
  }
  return { records, protocols, complaints };
}
