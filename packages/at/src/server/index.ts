export {
  OUTPUT_HIGH_WATER_BYTES,
  TYPE_AHEAD_LIMIT_BYTES,
  UNSOLICITED_LIMIT_COUNT,
  type AtServerEvent,
  type AtServerMode,
  type AtServerOptions,
} from './at-server-options.ts';
export { AtServer } from './at-server.ts';
export type * from './command-declaration.ts';
export { parseCommandLine, type CommandForm, type ParsedCommand, type ParsedLine } from './parse-command-line.ts';
export { DATA_BACKLOG_LIMIT_BYTES } from './server-data-phase.ts';
export {
  memoryProfiles,
  Settings,
  V250_SETTINGS,
  type Profile,
  type ProfileStore,
  type SettingDeclaration,
  type SettingDeclarations,
} from './settings.ts';
