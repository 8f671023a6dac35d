import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What tshark says of the frames of a capture; frames are numbered from 1. */
export interface CmuxDissection {
  readonly frames: number;
  /** Frames whose FCS it finds wrong. */
  readonly incorrect: readonly number[];
  /** Frames that it cannot dissect to their end, or not at all. */
  readonly malformed: readonly number[];
}

/** Dissects a capture of CMUX frames. */
export async function readCmuxCapture(path: string): Promise<CmuxDissection> {
  const fields = ['mux27010.checksum_correct', 'mux27010.checksum', '_ws.malformed'];
  const args = ['-r', path, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
  const child = spawn('tshark', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let frames = 0;
  const incorrect: number[] = [];
  const malformed: number[] = [];
  for await (const text of createInterface({ input: child.stdout })) {
    frames++;
    const [correct, checksum, isMalformed] = text.split('\t');
    if (isMalformed !== '' || checksum === '') malformed.push(frames);
    else if (correct !== '1' && correct !== 'True') incorrect.push(frames);
  }
  return { frames, incorrect, malformed };
}
