import { describeKernel } from './kernel-suite.ts';

describeKernel('module', 'advanced');
