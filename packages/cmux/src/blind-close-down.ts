import { CONTROL } from './core/control-field.ts';
import { encodeMessage } from './core/control-message.ts';
import { addressOf, advancedFrameLimit, encodeAdvanced, encodeBasicFrame } from './core/frame-encoder.ts';

/** The close-down that frees a module from a multiplexer of which this end knows nothing, in both options. */
export function blindCloseDown(): Uint8Array {
  const address = addressOf(0, 1);
  const info = encodeMessage('CLD', true, new Uint8Array(0));
  const basic = encodeBasicFrame(address, CONTROL.UIH, info);
  const advanced = new Uint8Array(advancedFrameLimit(info.length));
  const length = encodeAdvanced(advanced, 0, address, CONTROL.UIH, info, 0, info.length);
  const both = new Uint8Array(basic.length + length);
  both.set(basic);
  both.set(advanced.subarray(0, length), basic.length);
  return both;
}
