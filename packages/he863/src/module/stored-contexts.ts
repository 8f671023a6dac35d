import type { JsonValue, NonVolatileMemory, PdpContext, PdpContexts } from './module-services.ts';

const KEY = 'contexts';

/** The contexts of `+CGDCONT`, kept in the module's memory at once. */
export class StoredContexts implements PdpContexts {
  readonly #nvm: NonVolatileMemory;

  constructor(nvm: NonVolatileMemory) {
    this.#nvm = nvm;
  }

  get(cid: number): PdpContext | undefined {
    return this.all().find((context) => context.cid === cid);
  }

  all(): readonly PdpContext[] {
    const stored = this.#nvm.get(KEY);
    return Array.isArray(stored) ? stored.filter(isContext) : [];
  }

  define(context: PdpContext): void {
    const others = this.all().filter(({ cid }) => cid !== context.cid);
    this.#save([...others, context].sort((one, other) => one.cid - other.cid));
  }

  undefine(cid: number): void {
    this.#save(this.all().filter((context) => context.cid !== cid));
  }

  #save(contexts: readonly PdpContext[]): void {
    this.#nvm.set(
      KEY,
      contexts.map((context) => ({ ...context })),
    );
  }
}

function isContext(value: JsonValue): value is JsonValue & PdpContext {
  return typeof value === 'object' && value !== null && 'cid' in value && 'apn' in value && 'hComp' in value;
}
