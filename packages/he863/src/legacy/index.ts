export { legacyCommands } from './legacy-commands.ts';
