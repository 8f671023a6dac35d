export { faultyLine, pacedLine, type FaultyLine, type LineFaults, type PacedLine } from '../faulty-line.ts';
export { VirtualClock, settle } from './virtual-clock.ts';
