import type { CommandResult } from '@cellmux/at';
import type { SimCard } from '../sim-card.ts';
import { answering, type Declaration } from './declaration.ts';

/** What the module says about itself. */
export const IDENTITY = {
  manufacturer: 'Telit',
  model: 'HE863-EUD',
  revision: '11.00.002',
  /** A number of the range for tests, with its check digit. */
  imei: '004999010640000',
  imsi: '001010123456789',
  ccid: '8988211000000000001',
} as const;

/** Answers of `I<n>`. */
export const IDENTIFICATION: Readonly<Record<number, string>> = {
  0: '322',
  1: '000',
  2: 'OK',
  3: IDENTITY.model,
  4: IDENTITY.revision,
};

/** Who made the module, and its numbers (3GPP TS 27.007 §5, V.250 §6.1). */
export const identityCommands: readonly Declaration[] = [
  ...['+CGMI', '+GMI'].map((name) => answering(name, () => IDENTITY.manufacturer)),
  ...['+CGMM', '+GMM'].map((name) => answering(name, () => IDENTITY.model)),
  ...['+CGMR', '+GMR'].map((name) => answering(name, () => IDENTITY.revision)),
  ...['+CGSN', '+GSN'].map((name) => answering(name, () => IDENTITY.imei)),
  answering('#CGMI', () => `#CGMI: ${IDENTITY.manufacturer}`),
  answering('#CGMM', () => `#CGMM: ${IDENTITY.model}`),
  answering('#CGMR', () => `#CGMR: ${IDENTITY.revision}`),
  answering('#CGSN', () => `#CGSN: ${IDENTITY.imei}`),
  answering('+GCAP', () => '+GCAP: +CGSM,+FCLASS,+DS'),
];

/** What stands on the SIM, where it can be read. */
export function simCommands(sim: SimCard): readonly Declaration[] {
  return [
    onSim('+CIMI', sim, IDENTITY.imsi),
    onSim('#CIMI', sim, `#CIMI: ${IDENTITY.imsi}`),
    onSim('#CCID', sim, `#CCID: ${IDENTITY.ccid}`),
  ];
}

function onSim(name: string, sim: SimCard, text: string): Declaration {
  return {
    name,
    execute: (context): CommandResult => {
      if (sim.error !== undefined) return { cme: sim.error };
      context.info(text);
      return 'OK';
    },
  };
}
