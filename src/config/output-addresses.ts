import { isMap, isSeq } from 'yaml';
import type { Cidr } from '../net/cidr.ts';
import type { Family } from '../net/family.ts';
import { nearestName } from '../text.ts';
import type { Sourced } from './config.ts';
import type { Entry, Value } from './document.ts';
import type { OutputText } from './entries.ts';
import { type ProblemText, problemAt } from './problems.ts';
import type { ConfigKey } from './schema.ts';
import type { Position } from './source.ts';
import { parseValue, readEntries, type SettingsContext } from './typed-value.ts';

/** Which address some of the masqueraded connections get, as a config says it. */
export interface OutputAddress extends OutputText {
  /** Empty: whatever the destination. */
  readonly destinations: readonly Sourced<Cidr>[];
  /** Empty: whatever the source. */
  readonly sources: readonly Sourced<Cidr>[];
  /** The place of the address. */
  readonly source: Position;
}

const entryKeys = ['address', 'destinations', 'sources'] as const;
type EntryKey = (typeof entryKeys)[number];

/** The entries of `outputAddresses`, then what the keys say that are short for an entry without lists. */
export function readOutputAddresses(
  values: ReadonlyMap<ConfigKey, Value>,
  context: SettingsContext,
): readonly OutputAddress[] {
  const list = values.get('outputAddresses');
  return [
    ...(list ? readEntriesOf(list, context) : []),
    ...readShort('outputAddress', 'ipv4', values, context),
    ...readShort('outputAddressIPv6', 'ipv6', values, context),
  ];
}

function readShort(
  key: 'outputAddress' | 'outputAddressIPv6',
  family: Family,
  values: ReadonlyMap<ConfigKey, Value>,
  context: SettingsContext,
): OutputAddress[] {
  const value = values.get(key);
  const output = value && parseValue(key, context.schema.shape[key], value, context);
  if (!value || !output) return [];
  if (output.cidr.family === family) return [{ ...output, ...withoutLists(value, context) }];
  const other = family === 'ipv4' ? 'outputAddressIPv6' : 'outputAddress';
  report(value, context, { message: `an address of the other family for ${key}`, expected: `the key ${other}` });
  return [];
}

function withoutLists(value: Value, { positions }: SettingsContext): Omit<OutputAddress, keyof OutputText> {
  return { destinations: [], sources: [], source: positions.at(value.offset) };
}

function readEntriesOf(list: Value, context: SettingsContext): OutputAddress[] {
  const { document, problems, schema } = context;
  if (!isSeq(list.node)) {
    parseValue('outputAddresses', schema.shape.outputAddresses, list, context);
    return [];
  }
  const outputs: OutputAddress[] = [];
  for (const item of document.items(list)) {
    if (problems.isFull) break;
    const output = readEntry(item, context);
    if (output) outputs.push(output);
  }
  return outputs;
}

function readEntry(item: Value, context: SettingsContext): OutputAddress | undefined {
  if (!isMap(item.node)) {
    report(item, context, { message: 'not an entry of outputAddresses', expected: '{address: 192.0.2.10}' });
    return undefined;
  }
  const fields = readFields(context.document.entries(item.node).entries, context);
  const address = fields.get('address');
  if (!address) {
    report(item, context, { message: 'an entry of outputAddresses without an address', expected: 'the key address' });
    return undefined;
  }
  const output = parseValue('outputAddress', context.schema.output, address, context);
  const lists = {
    destinations: readList('destinations', fields.get('destinations'), context),
    sources: readList('sources', fields.get('sources'), context),
  };
  if (!output || !hasOneFamily(output, [...lists.destinations, ...lists.sources], address, context)) return undefined;
  return { ...output, ...lists, source: context.positions.at(address.offset) };
}

function readFields(entries: readonly Entry[], { positions, problems }: SettingsContext): Map<EntryKey, Value> {
  const fields = new Map<EntryKey, Value>();
  for (const { key, keyOffset, value } of entries) {
    const known = entryKeys.find((name) => name === key.toLowerCase());
    if (known) fields.set(known, value);
    else {
      const nearest = nearestName(key, entryKeys);
      const expected = nearest ?? entryKeys.join(', ');
      problems.problem(
        problemAt(positions.at(keyOffset), { message: 'unknown key of an entry', found: key, expected }),
      );
    }
  }
  return fields;
}

function readList(key: EntryKey, value: Value | undefined, context: SettingsContext): readonly Sourced<Cidr>[] {
  if (!value) return [];
  if (!isSeq(value.node)) {
    if (context.document.plain(value) !== null) {
      report(value, context, { message: `not a list of ${key}`, expected: 'a list such as [203.0.113.0/24]' });
    }
    return [];
  }
  const { entries, length } = readEntries('outputAddresses', context.schema.source, value, context);
  if (length === 0) {
    const message = `an empty list of ${key} counts as none: the entry is for all`;
    context.problems.warning(() => problemAt(context.positions.at(value.offset), { message }));
  }
  return entries;
}

function hasOneFamily(
  { cidr }: OutputText,
  entries: readonly Sourced<Cidr>[],
  address: Value,
  context: SettingsContext,
): boolean {
  const other = entries.find(({ value }) => value.family !== cidr.family);
  if (!other) return true;
  const message = `an address of the other family than ${other.value.text} in a list of its entry`;
  report(address, context, { message, expected: 'an entry for each family' });
  return false;
}

function report(value: Value, { document, positions, problems }: SettingsContext, text: ProblemText): void {
  problems.problem(problemAt(positions.at(value.offset), { found: document.quote(value), ...text }));
}
