import type { CommandDeclaration, CommandResult } from './command-declaration.ts';
import type { ProfileStore, SettingDeclarations, Settings } from './settings.ts';

/** What the commands of V.250 work on. */
export interface StandardParts {
  readonly settings: Settings;
  readonly profiles: ProfileStore;
  /** Answers of `I<n>`, by number. */
  readonly identification: Readonly<Record<number, string>>;
  /** Profiles that `&W` can save; 1 and up. */
  readonly profileCount: number;
}

/** The commands that every server has: settings, S-registers, profiles, identification (V.250 clause 6). */
export function standardCommands<Session>(parts: StandardParts): CommandDeclaration<Session>[] {
  return [
    ...settingCommands<Session>(parts),
    ...profileCommands<Session>(parts),
    identify<Session>(parts),
    showSettings<Session>(parts),
  ];
}

function settingCommands<Session>({ settings }: StandardParts): CommandDeclaration<Session>[] {
  return Object.keys(settings.declarations).map((name) => {
    if (/^S\d/.test(name)) return registerCommand<Session>(name, settings);
    return /^[+#]/.test(name) ? extendedSetting<Session>(name, settings) : basicSetting<Session>(name, settings);
  });
}

function done(accepted: boolean): CommandResult {
  return accepted ? 'OK' : 'ERROR';
}

function registerCommand<Session>(name: string, settings: Settings): CommandDeclaration<Session> {
  const { minimum, maximum } = settings.declarations[name] as SettingDeclarations[string];
  return {
    name,
    read: (context) => {
      context.info(String(settings.get(name)).padStart(3, '0'));
      return 'OK';
    },
    // `S3=` is `S3=0` (V.250 §5.3.2).
    parameters: [{ kind: 'integer', name: 'value', ranges: [[minimum, maximum]], default: 0 }],
    set: (_context, [value]) => done(settings.set(name, value as number)),
  };
}

function basicSetting<Session>(name: string, settings: Settings): CommandDeclaration<Session> {
  return { name, execute: (_context, text) => done(settings.set(name, Number(text))) };
}

function extendedSetting<Session>(name: string, settings: Settings): CommandDeclaration<Session> {
  const { minimum, maximum } = settings.declarations[name] as SettingDeclarations[string];
  return {
    name,
    parameters: [{ kind: 'integer', name: 'n', ranges: [[minimum, maximum]] }],
    set: (_context, [value]) => done(settings.set(name, value as number)),
    read: (context) => {
      context.info(`${name}: ${settings.get(name)}`);
      return 'OK';
    },
  };
}

function profileCommands<Session>(parts: StandardParts): CommandDeclaration<Session>[] {
  const { settings, profiles, profileCount } = parts;
  const withSlot =
    (use: (slot: number) => void) =>
    (_context: unknown, text: string): CommandResult => {
      const slot = Number(text);
      if (slot >= profileCount) return 'ERROR';
      use(slot);
      return 'OK';
    };
  return [
    {
      name: 'Z',
      execute: withSlot((slot) => {
        settings.restore(profiles.load(slot) ?? {});
      }),
    },
    {
      name: '&W',
      execute: withSlot((slot) => {
        profiles.save(slot, settings.snapshot());
      }),
    },
    {
      name: '&P',
      execute: withSlot((slot) => {
        profiles.powerUpSlot = slot;
      }),
    },
    {
      name: '&F',
      execute: (_context, text) => {
        if (Number(text) > 1) return 'ERROR';
        settings.restore({});
        return 'OK';
      },
    },
  ];
}

function identify<Session>({ identification }: StandardParts): CommandDeclaration<Session> {
  return {
    name: 'I',
    execute: (context, text) => {
      const answer = identification[Number(text)];
      if (answer === undefined) return 'ERROR';
      context.info(answer);
      return 'OK';
    },
  };
}

/** `&V`: the settings as they are now, some to a line. */
function showSettings<Session>({ settings }: StandardParts): CommandDeclaration<Session> {
  return {
    name: '&V',
    execute: (context) => {
      const shown = Object.keys(settings.declarations).map((name) => {
        const value = settings.get(name);
        if (/^S\d/.test(name)) return `${name}:${String(value).padStart(3, '0')}`;
        return /^[+#]/.test(name) ? `${name}: ${value}` : `${name}${value}`;
      });
      for (let start = 0; start < shown.length; start += 8) context.info(shown.slice(start, start + 8).join(' '));
      return 'OK';
    },
  };
}
