export { toDuplex, type ToDuplexOptions } from './to-duplex.ts';
