#!/usr/bin/env node
import { main } from './cli/main.ts';
import { Interruption } from './cli/interruption.ts';

const interruption = new Interruption();
const { stdin, stdout, stderr, env } = process;
// A reader that leaves early (`cellmux decode … | head`) is no failure.
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
});
process.exitCode = await main(process.argv.slice(2), { stdin, stdout, stderr, env }, interruption.signal);
interruption[Symbol.dispose]();
