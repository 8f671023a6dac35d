export { emailCommands } from './email-commands.ts';
