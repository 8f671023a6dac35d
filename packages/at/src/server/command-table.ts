import type { CommandContext, CommandDeclaration, CommandResult } from './command-declaration.ts';
import { describeParameters, parseArguments } from './parse-arguments.ts';
import type { ParsedCommand } from './parse-command-line.ts';

/** What a table answers where no handler is asked. */
export interface TableErrors {
  readonly parameter: CommandResult;
  readonly form: CommandResult;
}

/** A context whose `given` is set once the parameters are known. */
export interface TableContext<Session> extends CommandContext<Session> {
  given: number;
}

/** The commands of a server by name; later declarations take the place of earlier ones. */
export class CommandTable<Session> {
  readonly #declarations = new Map<string, CommandDeclaration<Session>>();
  readonly #errors: TableErrors;

  constructor(declarations: readonly CommandDeclaration<Session>[], errors: TableErrors) {
    for (const declaration of declarations) this.#declarations.set(declaration.name, declaration);
    this.#errors = errors;
  }

  /** Whether an octet from the host aborts this command while it runs. */
  isAbortable(name: string): boolean {
    return this.#declarations.get(name)?.abortable ?? (name === 'D' || name === 'A');
  }

  /** Runs one command of a line. */
  run(command: ParsedCommand, context: TableContext<Session>): CommandResult | Promise<CommandResult> {
    const declaration = this.#declarations.get(command.name);
    if (declaration === undefined) return 'ERROR';
    // Basic commands know no +CME ERROR (V.250 §5.7.1): theirs is ERROR.
    const isBasic = !/^[+#$*^%]/.test(command.name);
    const { parameter, form } = this.#errors;
    switch (command.form) {
      case 'execute':
        return declaration.execute?.(context, command.text) ?? (isBasic ? 'ERROR' : form);
      case 'read':
        return declaration.read?.(context) ?? (isBasic ? 'ERROR' : form);
      case 'test':
        return isBasic && declaration.test === undefined ? 'ERROR' : this.#test(declaration, context);
      case 'set': {
        if (declaration.set === undefined) return isBasic ? 'ERROR' : form;
        const parsed = parseArguments(command.text, declaration.parameters ?? []);
        if (parsed === undefined) return isBasic ? 'ERROR' : parameter;
        context.given = parsed.given;
        return declaration.set(context, parsed.args);
      }
    }
  }

  #test(
    declaration: CommandDeclaration<Session>,
    context: CommandContext<Session>,
  ): CommandResult | Promise<CommandResult> {
    const { test, name, parameters = [] } = declaration;
    if (typeof test === 'function') return test(context);
    const text = test ?? describeParameters(parameters);
    if (text !== '') context.info(`${name}: ${text}`);
    return 'OK';
  }
}
