import { configurationCommands } from './commands/configuration-commands.ts';
import { connectionCommands } from './commands/connection-commands.ts';
import { contextCommands } from './commands/context-commands.ts';
import { dataCommands } from './commands/data-commands.ts';
import { stackCommands } from './commands/stack-commands.ts';
import { statusCommands } from './commands/status-commands.ts';
import type { Declaration } from './commands/arguments.ts';

export { SocketTable } from './socket-table.ts';
export type { SocketOptions } from './socket-options.ts';

/** The multisocket commands of IP Easy. */
export const socketCommands: readonly Declaration[] = [
  ...contextCommands,
  ...configurationCommands,
  ...connectionCommands,
  ...dataCommands,
  ...statusCommands,
  ...stackCommands,
];
