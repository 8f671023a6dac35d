import { Command } from 'commander';
export function decodeCommand(): Command {
  return new Command('decode');
}
