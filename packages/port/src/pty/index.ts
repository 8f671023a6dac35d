export { openPty, type OpenPtyOptions, type PtyPort } from './open-pty.ts';
