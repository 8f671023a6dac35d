import type { CommandResult } from '@cellmux/at';
import type { HostResolver } from '../module-services.ts';
import { string, type Declaration } from './declaration.ts';

/** +CME ERROR: cannot resolve DN. */
const CANNOT_RESOLVE = { cme: 558 } as const;

/** `#QDNS`: the address of a name, as `#SD` would find it. */
export function nameCommands(resolver: HostResolver): Declaration[] {
  return [
    {
      name: '#QDNS',
      parameters: [string('host', 64)],
      set: async (context, [host]): Promise<CommandResult> => {
        const target = await resolver.target(host as string, 0, 'udp', context.signal);
        if (target === undefined) return CANNOT_RESOLVE;
        context.info(`#QDNS: "${host as string}","${target.shownAddress}"`);
        return 'OK';
      },
      test: '',
    },
  ];
}
