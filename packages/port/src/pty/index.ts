export { openPty, type OpenPtyOptions } from './open-pty.ts';
export type { PtyPort } from './pty-port.ts';
