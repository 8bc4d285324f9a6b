import type { ConfigNode, MapEntry, MapNode } from '../node.ts';
import { TextFault } from '../text-fault.ts';

/** Gathers the entries of one mapping as Go's decoder does: in the order written, a later one over an earlier one. */
export class MappingBuilder {
  readonly #offset: number;
  readonly #entries = new Map<string, MapEntry>();
  readonly #overwritten: MapEntry[] = [];

  constructor(offset: number) {
    this.#offset = offset;
  }

  /** Throws TextFault for a key that is a collection. */
  set(key: ConfigNode, value: ConfigNode): void {
    const entry = entryOf(key, value);
    const previous = this.#entries.get(entry.key);
    if (previous !== undefined) this.#overwritten.push(previous);
    this.#entries.set(entry.key, entry);
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

/** Go makes text of booleans and of numbers up to int64; JSON has no other keys. */
function entryOf(node: ConfigNode, value: ConfigNode): MapEntry {
  const entry = { keyOffset: node.offset, value };
  switch (node.kind) {
    case 'string':
      return { ...entry, key: node.value };
    case 'boolean':
      return { ...entry, key: String(node.value) };
    case 'number':
      return {
        ...entry,
        key: node.literal,
        ...(node.isUint64 === true ? { keyProblem: 'too large a number for a key' } : {}),
      };
    case 'null':
      return { ...entry, key: '', keyProblem: 'an empty key' };
    default:
      throw new TextFault(node.offset, 'a list or a mapping as a key', 'a text');
  }
}
