export { openSerial, type OpenSerialOptions } from './open-serial.ts';
