export type * from './command-declaration.ts';
