export { countOctets, fitExponent } from './counted-octets.ts';
export { faultyLine, pacedLine, type FaultyLine, type LineFaults, type PacedLine } from '../faulty-line.ts';
export { portCompliance, type ComplianceCase, type PortComplianceOptions, type PortPair } from './port-compliance.ts';
export { VirtualClock, settle } from './virtual-clock.ts';
