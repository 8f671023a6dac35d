import { checkInteger, checkOneOf } from '@cellmux/port';
import { PARITIES, PORT_MASK, PORT_SPEEDS, type PortSettings } from './core/remote-port.ts';

/** Checks what RPN is to say; throws `ERR_OPTION_RANGE` naming the setting, its value and its range. */
export function checkPortSettings(settings: PortSettings, mask: number): void {
  checkInteger('mask', mask, 0, 0xffff);
  checkInteger('mask outside PORT_MASK.all', mask & ~PORT_MASK.all, 0, 0);
  const { baudRate, dataBits, stopBits, parity, flowControl, xon, xoff } = settings;
  // A speed that has no code may be there, where it is not to be set: RPN's answer can bring one.
  if ((mask & PORT_MASK.speed) !== 0) checkOneOf<number | string>('baudRate', baudRate ?? 'none', PORT_SPEEDS);
  checkInteger('dataBits', dataBits, 5, 8);
  checkOneOf('stopBits', stopBits, [1, 1.5]);
  checkOneOf('parity', parity, ['none', ...PARITIES]);
  checkInteger('flowControl', flowControl, 0, 0x3f);
  checkInteger('xon', xon, 0, 0xff);
  checkInteger('xoff', xoff, 0, 0xff);
}
