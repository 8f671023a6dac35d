export { ftpCommands } from './ftp-commands.ts';
