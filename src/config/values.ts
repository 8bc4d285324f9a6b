import type * as z from 'zod/mini';
import type { Cidr } from '../net/cidr.ts';
import { formatDuration } from '../net/duration.ts';
import type { Sourced } from './config.ts';
import { defaultResyncInterval, shortestResyncInterval } from './defaults.ts';
import type { Findings } from './findings.ts';
import type { ConfigNode } from './node.ts';
import type { Occurrence } from './occurrences.ts';
import type { Places } from './places.ts';
import { type ProblemText, problemAt, quoteNode } from './problem.ts';
import { type BooleanKey, type ConfigKey, type ConfigSchema, isListKey, type ListKey, validForm } from './schema.ts';
import type { FileSettings, ListSetting } from './settings.ts';

/** Turns the keys of one file into typed settings by the schema, and tells every value that does not fit. */
export class ValueReader implements FileSettings {
  readonly lists = new Map<ListKey, ListSetting>();
  readonly booleans = new Map<BooleanKey, Sourced<boolean>>();
  cidrLimit: Sourced<number> | undefined;
  resyncInterval: Sourced<bigint> | undefined;

  readonly #shape: ConfigSchema['shape'];
  readonly #places: Places;
  readonly #findings: Findings;

  constructor(schema: ConfigSchema, places: Places, findings: Findings) {
    this.#shape = schema.shape;
    this.#places = places;
    this.#findings = findings;
  }

  read({ key, node, others }: Occurrence): void {
    if (isListKey(key)) {
      for (const other of others) this.#checkEntryTypes(key, other);
      const list = this.#readList(key, node);
      if (list !== undefined) this.lists.set(key, list);
      return;
    }
    // Go decodes each occurrence of a key, and refuses the file for any that does not fit.
    for (const other of others) this.#parse(key, this.#shape[key], other);
    if (key === 'cidrLimit') this.cidrLimit = this.#sourced(node, this.#parse(key, this.#shape[key], node));
    else if (key === 'resyncInterval') this.resyncInterval = this.#readInterval(key, node);
    else {
      const setting = this.#sourced(node, this.#parse(key, this.#shape[key], node));
      if (setting !== undefined) this.booleans.set(key, setting);
    }
  }

  #readList(key: ListKey, node: ConfigNode): ListSetting | undefined {
    const schema = this.#shape[key];
    const entries: Sourced<Cidr>[] = [];
    if (node.kind !== 'list' && this.#parse(key, schema, node) === undefined) return undefined;
    const items = node.kind === 'list' ? node.items : [];
    for (const item of items) {
      if (this.#findings.isFull) break;
      const entry = this.#sourced(item, this.#parse(key, schema.def.innerType.def.element, item, true));
      if (entry !== undefined) entries.push(entry);
    }
    return { entries, length: items.length, source: this.#places.at(node.offset) };
  }

  /** Of a list that another one overwrites, Go looks only at the types. */
  #checkEntryTypes(key: ListKey, node: ConfigNode): void {
    const schema = this.#shape[key];
    if (node.kind !== 'list') this.#parse(key, schema, node);
    else {
      const misfits = node.items.filter(({ kind }) => kind !== 'string' && kind !== 'null');
      for (const item of misfits) this.#parse(key, schema.def.innerType.def.element, item, true);
    }
  }

  /** Upstream would sync without a pause, or all the time. */
  #readInterval(key: 'resyncInterval', node: ConfigNode): Sourced<bigint> | undefined {
    const interval = this.#parse(key, this.#shape[key], node);
    if (interval === undefined || interval >= shortestResyncInterval) return this.#sourced(node, interval);
    const used = interval > 0n ? shortestResyncInterval : defaultResyncInterval;
    const message = `too short a resyncInterval; ${formatDuration(used)} is used`;
    this.#findings.warning(() => problemAt(this.#places.at(node.offset), { message, found: quoteNode(node) }));
    return this.#sourced(node, used);
  }

  /** The typed value of a node; undefined, and told, where the schema refuses it. */
  #parse<Schema extends z.ZodMiniType>(
    key: ConfigKey,
    schema: Schema,
    node: ConfigNode,
    isEntry = false,
  ): z.output<Schema> | undefined {
    const parsed = schema.safeParse(plainValue(node));
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) {
      const text =
        issue.code === 'custom'
          ? { message: issue.message, expected: String(issue.params?.['expected']) }
          : misfit(key, node, isEntry);
      this.#findings.problem(problemAt(this.#places.at(node.offset), { ...text, found: quoteNode(node) }));
    }
    return undefined;
  }

  #sourced<T>(node: ConfigNode, value: T | null | undefined): Sourced<T> | undefined {
    return value === null || value === undefined ? undefined : { value, source: this.#places.at(node.offset) };
  }
}

function misfit(key: ConfigKey, node: ConfigNode, isEntry: boolean): ProblemText {
  if (!isEntry) return { message: `not a value for ${key}`, expected: validForm(key) };
  const kind = node.kind === 'null' ? 'an empty entry' : 'not an entry';
  return { message: `${kind} for ${key}`, expected: 'a CIDR such as 10.0.0.0/8' };
}

/** A value as the schema takes it; of collections only that they are some, since no entry can be one. */
function plainValue(node: ConfigNode): unknown {
  switch (node.kind) {
    case 'null':
      return null;
    case 'boolean':
    case 'string':
      return node.value;
    case 'number':
      return /^-?[0-9]{1,19}$/.test(node.literal) ? BigInt(node.literal) : Number(node.literal);
    case 'list':
      return [];
    case 'map':
      return {};
  }
}
