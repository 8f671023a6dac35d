import type { JsonValue, NonVolatileMemory } from './module-services.ts';

/** What {@link MemoryNvm} starts with and whom it tells of changes. */
export interface NvmOptions {
  /** The contents at the start, by key. */
  readonly contents?: Readonly<Record<string, JsonValue>>;
  /** Called after each change with all contents, for who wants to keep them in a file. */
  readonly onChange?: (contents: Readonly<Record<string, JsonValue>>) => void;
}

/** Non-volatile memory of a virtual module: survives its resets, not its process. */
export class MemoryNvm implements NonVolatileMemory {
  readonly #contents: Map<string, JsonValue>;
  readonly #onChange: NvmOptions['onChange'];

  constructor({ contents = {}, onChange }: NvmOptions = {}) {
    this.#contents = new Map(Object.entries(structuredClone(contents)));
    this.#onChange = onChange;
  }

  get(key: string): JsonValue | undefined {
    const value = this.#contents.get(key);
    return value === undefined ? undefined : structuredClone(value);
  }

  set(key: string, value: JsonValue): void {
    this.#contents.set(key, structuredClone(value));
    this.#onChange?.(Object.fromEntries(this.#contents));
  }

  delete(key: string): void {
    if (this.#contents.delete(key)) this.#onChange?.(Object.fromEntries(this.#contents));
  }
}
