import type { Argument, CommandContext, CommandDeclaration, IntegerParameter, StringParameter } from '@cellmux/at';
import type { PortSession } from '../../module/module-services.ts';
import type { ModuleSocket } from '../module-socket.ts';
import { socketTableOf, type SocketTable } from '../socket-table.ts';

/** A declaration of the module. */
export type Declaration = CommandDeclaration<PortSession>;
/** What a handler of the module works with. */
export type Context = CommandContext<PortSession>;

/** A whole number from `minimum` to `maximum`. */
export function integer(name: string, minimum: number, maximum: number, fallback?: number): IntegerParameter {
  return {
    kind: 'integer',
    name,
    ranges: [[minimum, maximum]],
    ...(fallback === undefined ? {} : { default: fallback }),
  };
}

/** A string of at most `maximumLength` characters. */
export function string(name: string, maximumLength: number, fallback?: string): StringParameter {
  return { kind: 'string', name, maximumLength, ...(fallback === undefined ? {} : { default: fallback }) };
}

/** `<connId>`, the first parameter of most commands. */
export const CONN_ID = integer('connId', 1, 6);

/** The argument at an index, which the declaration has made a number. */
export function numberAt(args: readonly Argument[], index: number): number {
  return Number(args[index] ?? 0);
}

/** The argument at an index, which the declaration has made a string. */
export function textAt(args: readonly Argument[], index: number): string {
  return String(args[index] ?? '');
}

/** The sockets of the module that the command runs on. */
export function tableOf(context: Context): SocketTable {
  return socketTableOf(context.session.module);
}

/** The connId that the first argument names. */
export function socketOf(context: Context, args: readonly Argument[]): ModuleSocket {
  return tableOf(context).socket(numberAt(args, 0));
}
