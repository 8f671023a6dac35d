export { asSerialPort, type SerialPortViewOptions } from './as-serial-port.ts';
export { toDuplex, type ToDuplexOptions } from './port-duplex.ts';
