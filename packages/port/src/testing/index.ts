export { VirtualClock, settle } from './virtual-clock.ts';
