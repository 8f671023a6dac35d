import { describeKernel } from './kernel-suite.ts';

describeKernel('host', 'basic');
