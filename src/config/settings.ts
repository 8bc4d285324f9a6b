import { isSeq } from 'yaml';
import type * as z from 'zod/mini';
import type { Cidr } from '../net/cidr.ts';
import { formatDuration } from '../net/duration.ts';
import { nearestName } from '../text.ts';
import type { Destination, Problem, RejudgeConnections, Sourced } from './config.ts';
import { defaultResyncInterval, shortestResyncInterval } from './defaults.ts';
import type { ConfigDocument, Entries, Entry, Value } from './document.ts';
import { keyHint, refusedKey } from './hints.ts';
import { type OutputAddress, readOutputAddresses } from './output-addresses.ts';
import type { Positions } from './positions.ts';
import { problemAt } from './problems.ts';
import {
  type BooleanKey,
  booleanKeys,
  type ConfigKey,
  configKeyOf,
  configKeys,
  type DestinationKey,
  destinationKeys,
  isListKey,
  type ListKey,
  type SourceKey,
  sourceKeys,
} from './schema.ts';
import { type ListSetting, parseValue, readEntries, readValue, type SettingsContext } from './typed-value.ts';

/** What one file sets. An absent key is not in it; a key with a wrong value is in it as far as it was right. */
export interface FileSettings {
  readonly destinations: ReadonlyMap<DestinationKey, ListSetting<Destination>>;
  readonly sources: ReadonlyMap<SourceKey, ListSetting<Cidr>>;
  readonly booleans: ReadonlyMap<BooleanKey, Sourced<boolean>>;
  readonly cidrLimit: Sourced<number> | undefined;
  /** Nanoseconds. */
  readonly resyncInterval: Sourced<bigint> | undefined;
  readonly rejudgeConnections: Sourced<RejudgeConnections> | undefined;
  readonly outputAddresses: readonly OutputAddress[];
}

/** A key that a file sets: the value that wins, and the others that Go's decoder reads too. */
interface KeySetting {
  readonly key: ConfigKey;
  readonly winner: Entry;
  readonly others: readonly Entry[];
}

/** Turns the entries of one file into typed settings by the schema; every value that does not fit is a problem. */
export function readSettings(entries: Entries, context: SettingsContext): FileSettings {
  const { shape, source, destination } = context.schema;
  const values = new Map<ConfigKey, Value>();
  for (const { key, winner, others } of findKeySettings(entries, context)) {
    // Go decodes each setting of a key, and refuses the file for any that does not fit.
    for (const { value } of others) checkOverwritten(key, value, context);
    values.set(key, winner.value);
  }
  return {
    destinations: settingsOf(destinationKeys, (key) => readList(key, destination, values.get(key), context)),
    sources: settingsOf(sourceKeys, (key) => readList(key, source, values.get(key), context)),
    booleans: settingsOf(booleanKeys, (key) => readValue(key, shape[key], values.get(key), context)),
    cidrLimit: readValue('cidrLimit', shape.cidrLimit, values.get('cidrLimit'), context),
    resyncInterval: readInterval(values.get('resyncInterval'), context),
    rejudgeConnections: readValue(
      'rejudgeConnections',
      shape.rejudgeConnections,
      values.get('rejudgeConnections'),
      context,
    ),
    outputAddresses: readOutputAddresses(values, context),
  };
}

function settingsOf<Key, Setting>(
  keys: readonly Key[],
  read: (key: Key) => Setting | undefined,
): ReadonlyMap<Key, Setting> {
  const settings = new Map<Key, Setting>();
  for (const key of keys) {
    const setting = read(key);
    if (setting !== undefined) settings.set(key, setting);
  }
  return settings;
}

/**
 * Finds the known keys of a file, in any letter case. Of several spellings of one key the last that Go's decoder meets
 * wins; for booleans and the limit `null` is no value, so that the one before it stays.
 */
function findKeySettings({ entries, overwritten }: Entries, context: SettingsContext): readonly KeySetting[] {
  const known = new Map<ConfigKey, Entry[]>(configKeys.map((key) => [key, []]));
  for (const entry of entries) {
    const key = configKeyOf(entry.key);
    const refusal = refusedKey(entry.key);
    if (refusal !== undefined) context.problems.problem(problemAt(context.positions.at(entry.keyOffset), refusal));
    else if (key === undefined) context.problems.warning(() => unknownKey(entry, context.positions));
    else known.get(key)?.push(entry);
  }
  const ignored = Map.groupBy(overwritten, (entry) => configKeyOf(entry.key));
  return configKeys.flatMap((key) => {
    const settings = known.get(key) ?? [];
    const winner = winnerOf(key, settings, context.document);
    if (winner === undefined) return [];
    const others = settings.filter((entry) => entry !== winner);
    for (const entry of [...others, ...(ignored.get(key) ?? [])]) {
      context.problems.warning(() => ignoredEntry(entry, winner, context.positions));
    }
    return [{ key, winner, others }];
  });
}

function winnerOf(key: ConfigKey, settings: readonly Entry[], document: ConfigDocument): Entry | undefined {
  const nullCounts = isListKey(key) || key === 'outputAddresses' || key === 'resyncInterval';
  const set = nullCounts ? undefined : settings.findLast(({ value }) => document.plain(value) !== null);
  return set ?? settings.at(-1);
}

function unknownKey({ key, keyOffset }: Entry, positions: Positions): Problem {
  const nearest = nearestName(key, configKeys);
  const question = nearest === undefined ? undefined : `did you mean ${nearest}?`;
  const message = ['unknown key, ignored', keyHint(key), question].filter((part) => part !== undefined).join('; ');
  return problemAt(positions.at(keyOffset), { message, found: key });
}

function ignoredEntry({ key, keyOffset }: Entry, winner: Entry, positions: Positions): Problem {
  const { line } = positions.at(winner.keyOffset);
  const message = `key set more than once: this one is ignored, that of line ${line} counts`;
  return problemAt(positions.at(keyOffset), { message, found: key });
}

function readList<Schema extends z.ZodMiniType>(
  key: ListKey,
  schema: Schema,
  value: Value | undefined,
  context: SettingsContext,
): ListSetting<z.output<Schema>> | undefined {
  if (value === undefined) return undefined;
  if (!isSeq(value.node) && parseValue(key, context.schema.shape[key], value, context) === undefined) return undefined;
  return readEntries(key, schema, value, context);
}

/** Of a list that another one overwrites, Go looks only at the types. */
function checkOverwritten(key: ConfigKey, value: Value, context: SettingsContext): void {
  const { document, schema } = context;
  if (!isListKey(key) || !isSeq(value.node)) {
    parseValue(key, schema.shape[key], value, context);
    return;
  }
  for (const item of document.items(value)) {
    const plain = document.plain(item);
    if (plain !== null && typeof plain !== 'string') parseValue(key, schema.source, item, context, true);
  }
}

/** Upstream would sync without a pause, or all the time. */
function readInterval(value: Value | undefined, context: SettingsContext): Sourced<bigint> | undefined {
  const interval = readValue('resyncInterval', context.schema.shape.resyncInterval, value, context);
  if (value === undefined || interval === undefined || interval.value >= shortestResyncInterval) return interval;
  const used = interval.value > 0n ? shortestResyncInterval : defaultResyncInterval;
  const message = `too short a resyncInterval; ${formatDuration(used)} is used`;
  const found = context.document.quote(value);
  context.problems.warning(() => problemAt(context.positions.at(value.offset), { message, found }));
  return { value: used, source: interval.source };
}
