import { fuzzOctets } from './fuzz-octets.ts';
import { fuzzPairs } from './fuzz-pairs.ts';
import type { FuzzPart } from './fuzz-part.ts';
import { fuzzPeer } from './fuzz-peer.ts';

/** All parts of the fuzzing; their shares together are 1. */
export const FUZZ_PARTS: readonly FuzzPart[] = [fuzzPairs, fuzzPeer, fuzzOctets];
