import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  visit,
  type YAMLMap,
} from 'yaml';
import type { Syntax, TextFault } from './decode.ts';
import { quoted } from './problems.ts';

/** A key of a mapping with its value, `null` where nothing is written. */
export interface Entry {
  readonly key: string;
  readonly keyOffset: number;
  readonly value: Value;
}

/** A value as the text has it, aliases resolved, and where it begins (in UTF-16 code units). */
export interface Value {
  readonly node: Node | null;
  readonly offset: number;
}

/** The entries of a mapping as Go's decoder meets them: in JSON as written, in YAML by the bytes of the key. */
export interface Entries {
  readonly entries: readonly Entry[];
  /** Entries that Go's YAML decoder drops since the same key comes again. */
  readonly overwritten: readonly Entry[];
}

/** No mapping of a config comes near; aliases could make one of any size. */
const mostMerged = 100_000;
const deepestMerge = 200;

/** A parsed text, read as Go reads it: aliases and merge keys resolved, keys as texts, numbers as the type they have there. */
export class ConfigDocument {
  /** What makes Go refuse the document though it is YAML; grows with what is read. */
  readonly faults: TextFault[] = [];
  readonly #syntax: Syntax;
  readonly #document: Document.Parsed;
  readonly #targets: ReadonlyMap<Node, Node>;
  readonly #merging = new Set<YAMLMap>();
  #merged = 0;

  constructor(document: Document.Parsed, syntax: Syntax, hasAliases: boolean) {
    this.#document = document;
    this.#syntax = syntax;
    this.#targets = hasAliases ? this.#resolveAliases() : new Map();
  }

  get root(): Value {
    return this.value(this.#document.contents, 0);
  }

  /** The value that a node of the package stands for; one that is not written stands at `fallback`. */
  value(written: unknown, fallback: number): Value {
    const node = isAlias(written) ? this.#targets.get(written) : isNode(written) ? written : undefined;
    return { node: node ?? null, offset: node?.range?.[0] ?? fallback };
  }

  /** The items of a list; of any other value none. */
  *items({ node, offset }: Value): Generator<Value, void> {
    if (isSeq(node)) for (const item of node.items) yield this.value(item, offset);
  }

  /** The entries of a mapping, or of a broken text those that end before `end`. */
  entries(map: YAMLMap, end?: number): Entries {
    if (this.#syntax === 'json') return { entries: map.items.map((pair) => this.#entryOf(pair)), overwritten: [] };
    const entries = new Map<string, Entry>();
    const overwritten: Entry[] = [];
    this.#merging.add(map);
    for (const [index, pair] of map.items.entries()) {
      if (end !== undefined && this.#endOf(pair, map.items[index + 1]) > end) break;
      if (isMergeKey(pair.key)) {
        for (const entry of this.#mergedBy(pair)) entries.set(entry.key, entry);
        continue;
      }
      const entry = this.#entryOf(pair);
      const previous = entries.get(entry.key);
      if (previous !== undefined) overwritten.push(previous);
      entries.set(entry.key, entry);
    }
    this.#merging.delete(map);
    return { entries: [...entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1)), overwritten };
  }

  /** A value as the schema takes it; of collections only that they are some, since no entry can be one. */
  plain({ node }: Value): unknown {
    if (isSeq(node)) return [];
    if (!isScalar(node)) return node === null ? null : {};
    const { value, source = '' } = node;
    if (typeof value === 'string') return this.#syntax === 'json' ? value.toWellFormed() : value;
    if (typeof value === 'number' || typeof value === 'bigint') {
      // Go passes YAML through JSON, so that 64.0 arrives there as 64; in a JSON file it is no integer.
      const literal = this.#syntax === 'json' ? source : String(value);
      return /^-?[0-9]{1,19}$/.test(literal) ? BigInt(literal) : Number(literal);
    }
    return value;
  }

  /** A value in the words of an error message. */
  quote(value: Value): string {
    if (isSeq(value.node)) return 'a list';
    const plain = this.plain(value);
    if (plain === null) return 'nothing';
    if (typeof plain === 'string') return quoted(plain);
    return typeof plain === 'object' ? 'a mapping' : (isScalar(value.node) && value.node.source) || String(plain);
  }

  /** Where an entry ends: with the begin of the next one, or else with its own last character. */
  #endOf({ key, value }: Pair<unknown, unknown>, next: Pair<unknown, unknown> | undefined): number {
    if (next !== undefined && isNode(next.key)) return next.key.range?.[0] ?? 0;
    const last = isNode(value) ? value : key;
    return isNode(last) ? (last.range?.[1] ?? 0) : 0;
  }

  #entryOf({ key, value }: Pair<unknown, unknown>): Entry {
    const { node, offset } = this.value(key, 0);
    const keyEnd = node?.range?.[1] ?? offset;
    const name = this.plain({ node, offset });
    const entry = { key: String(name ?? ''), keyOffset: offset, value: this.value(value, keyEnd) };
    if (name === null) this.faults.push({ offset, message: 'an empty key', expected: 'a text' });
    else if (typeof name === 'object') {
      this.faults.push({ offset, message: 'a list or a mapping as a key', expected: 'a text' });
    } else if (isScalar(node) && node.tag !== undefined && node.source === '<<') {
      this.faults.push({ offset, message: 'a merge key with a tag', expected: 'no tag' });
    }
    return entry;
  }

  /** The entries of the mapping, or of the mappings of a list, behind `<<`; earlier ones of a list go before later ones. */
  #mergedBy(pair: Pair<unknown, unknown>): readonly Entry[] {
    const { offset } = this.value(pair.key, 0);
    const source = this.value(pair.value, offset);
    const sources = isSeq(source.node) && !isAlias(pair.value) ? [...this.items(source)].toReversed() : [source];
    return sources.flatMap(({ node }) => {
      // Merging is recursive too: a chain of mappings that merge each other must not overflow the stack.
      if (!isMap(node) || this.#merging.has(node) || this.#merging.size > deepestMerge) {
        this.faults.push({ offset, message: 'only other mappings can be merged by <<', expected: 'an alias of one' });
        return [];
      }
      if (this.#merged > mostMerged) return [];
      const { entries } = this.entries(node);
      this.#merged += entries.length + 1;
      if (this.#merged > mostMerged) this.faults.push({ offset, message: 'aliases expand to too many values' });
      return entries;
    });
  }

  /** What each alias stands for: the last node above it that has its name. */
  #resolveAliases(): ReadonlyMap<Node, Node> {
    const anchors = new Map<string, Node>();
    const targets = new Map<Node, Node>();
    visit(this.#document, (_, node, path) => {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        const offset = node.range?.[0] ?? 0;
        const name = node.source;
        if (target === undefined) {
          const expected = 'quotes around a text that starts with *';
          this.faults.push({ offset, message: `nothing above is named &${name}`, expected });
        } else if (path.includes(target)) {
          this.faults.push({ offset, message: `the value of &${name} contains itself` });
        } else targets.set(node, target);
      } else if (isNode(node) && node.anchor !== undefined) anchors.set(node.anchor, node);
    });
    return targets;
  }
}

/** The package resolves `<<` to a symbol where it merges. */
function isMergeKey(key: unknown): boolean {
  return isScalar(key) && typeof key.value === 'symbol' && key.tag === undefined;
}
