import { integer, numberAt, string, tableOf, textAt, type Context, type Declaration } from './arguments.ts';

/** The most characters of a user name or a password. */
const CREDENTIAL_LENGTH = 128;

/** #SGACT, #SGACTCFG and #CGPADDR: the contexts that sockets work on (guide §3.2.1.3). */
export const contextCommands: readonly Declaration[] = [
  {
    name: '#SGACT',
    parameters: [
      integer('cid', 1, 5),
      integer('stat', 0, 1),
      string('userId', CREDENTIAL_LENGTH, ''),
      string('pwd', CREDENTIAL_LENGTH, ''),
    ],
    set: async (context, args) => {
      const { contexts, options, reactivation } = tableOf(context);
      const cid = numberAt(args, 0);
      reactivation.cancel(cid);
      if (numberAt(args, 1) === 0) {
        contexts.deactivate(cid);
        return 'OK';
      }
      const outcome = await contexts.activate(cid, {
        user: textAt(args, 2),
        password: textAt(args, 3),
        signal: context.signal,
      });
      if ('cme' in outcome) return outcome;
      context.info(`#SGACT: ${options.quoteAddress ? `"${outcome.address}"` : outcome.address}`);
      return 'OK';
    },
    read: (context) => {
      const { contexts, module } = tableOf(context);
      for (const { cid } of module.contexts.all()) context.info(`#SGACT: ${cid},${contexts.isActive(cid) ? 1 : 0}`);
      return 'OK';
    },
    test: '(1-5),(0,1)',
  },
  {
    name: '#SGACTCFG',
    parameters: [
      integer('cid', 1, 5),
      integer('retry', 0, 15),
      integer('delay', 180, 3600, 180),
      integer('urcmode', 0, 1, 0),
    ],
    set: (context, args) => {
      tableOf(context).reactivation.configure(numberAt(args, 0), {
        retry: numberAt(args, 1),
        delay: numberAt(args, 2),
        urcmode: numberAt(args, 3),
      });
      return 'OK';
    },
    read: (context) => {
      for (const cid of [1, 2, 3, 4, 5]) {
        const { retry, delay, urcmode } = tableOf(context).reactivation.settings(cid);
        context.info(`#SGACTCFG: ${cid},${retry},${delay},${urcmode}`);
      }
      return 'OK';
    },
  },
  {
    name: '#CGPADDR',
    // 0 stands for none: `AT#CGPADDR=` lists all.
    parameters: [0, 1, 2, 3, 4].map(() => integer('cid', 1, 5, 0)),
    set: (context, args) => {
      const wanted = args.map(Number).filter((cid) => cid > 0);
      showAddresses(context, wanted);
      return 'OK';
    },
    execute: (context) => {
      showAddresses(context, []);
      return 'OK';
    },
    test: (context) => {
      const defined = tableOf(context).module.contexts.all();
      if (defined.length > 0) context.info(`#CGPADDR: (${defined.map(({ cid }) => cid).join(',')})`);
      return 'OK';
    },
  },
];

function showAddresses(context: Context, wanted: readonly number[]): void {
  const { contexts, module } = tableOf(context);
  for (const { cid } of module.contexts.all()) {
    if (wanted.length > 0 && !wanted.includes(cid)) continue;
    context.info(`#CGPADDR: ${cid},"${contexts.addressOf(cid) ?? ''}"`);
  }
}
