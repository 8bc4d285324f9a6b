import type { ConfigNode, MapEntry, MapNode, TextProblem } from '../node.ts';

/** Gathers the entries of one mapping as Go's decoder does: in the order written, a later one over an earlier one. */
export class MappingBuilder {
  readonly #offset: number;
  readonly #entries = new Map<string, MapEntry>();
  readonly #overwritten: MapEntry[] = [];

  constructor(offset: number) {
    this.#offset = offset;
  }

  /** Sets a key; says what is wrong with a key that JSON can't have. */
  set(key: ConfigNode, value: ConfigNode): TextProblem | undefined {
    const text = keyText(key);
    if (text === undefined)
      return { offset: key.offset, message: `a key can’t be ${kindNames[key.kind]}`, expected: 'a text' };
    const previous = this.#entries.get(text);
    if (previous !== undefined) this.#overwritten.push(previous);
    this.#entries.set(text, { key: text, keyOffset: key.offset, value });
    return undefined;
  }

  /** Takes over the entries of the mapping that a merge key `<<` names. */
  merge(mapping: MapNode): void {
    for (const entry of mapping.entries) this.#entries.set(entry.key, entry);
  }

  build(): MapNode {
    const entries = [...this.#entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    return { kind: 'map', offset: this.#offset, entries, overwritten: this.#overwritten };
  }
}

const kindNames: Readonly<Record<ConfigNode['kind'], string>> = {
  null: 'empty',
  boolean: 'a boolean',
  number: 'so large a number',
  string: 'a text',
  list: 'a list',
  map: 'a mapping',
};

/** Go turns booleans and numbers up to int64 into text, and refuses everything else. */
function keyText(key: ConfigNode): string | undefined {
  if (key.kind === 'string') return key.value;
  if (key.kind === 'boolean') return String(key.value);
  if (key.kind !== 'number') return undefined;
  return /^[0-9]+$/.test(key.literal) && BigInt(key.literal) >= 2n ** 63n ? undefined : key.literal;
}
