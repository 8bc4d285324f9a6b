import type { Problem } from './config.ts';
import type { Findings } from './findings.ts';
import { configKeyOf, nearestConfigKey } from './key-name.ts';
import type { ConfigNode, MapEntry, MapNode } from './node.ts';
import type { Places } from './places.ts';
import { problemAt } from './problem.ts';
import { type ConfigKey, configKeys, isListKey } from './schema.ts';

/** A key that a file sets: the value that counts, and the others that Go's decoder reads too. */
export interface Occurrence {
  readonly key: ConfigKey;
  readonly node: ConfigNode;
  readonly others: readonly ConfigNode[];
}

/**
 * Finds the known keys of a file, in any letter case. Of several spellings of one key the last that Go's decoder meets
 * counts; for booleans and the limit `null` is no value, so that the one before it stays.
 */
export function findOccurrences(root: MapNode, places: Places, findings: Findings): readonly Occurrence[] {
  const known = new Map<ConfigKey, MapEntry[]>(configKeys.map((key) => [key, []]));
  for (const entry of root.entries) {
    const key = configKeyOf(entry.key);
    if (entry.keyProblem !== undefined) continue;
    if (key === undefined) findings.warning(() => unknownKey(entry, places));
    else known.get(key)?.push(entry);
  }
  const occurrences: Occurrence[] = [];
  for (const [key, entries] of known) {
    const counting = countingEntry(key, entries);
    if (counting === undefined) continue;
    const others = entries.filter((entry) => entry !== counting);
    const overwritten = root.overwritten.filter((entry) => configKeyOf(entry.key) === key);
    for (const entry of [...others, ...overwritten]) findings.warning(() => ignoredEntry(entry, counting, places));
    occurrences.push({ key, node: counting.value, others: others.map((entry) => entry.value) });
  }
  return occurrences;
}

function countingEntry(key: ConfigKey, entries: readonly MapEntry[]): MapEntry | undefined {
  const nullCounts = isListKey(key) || key === 'resyncInterval';
  const set = nullCounts ? undefined : entries.findLast((entry) => entry.value.kind !== 'null');
  return set ?? entries.at(-1);
}

function unknownKey(entry: MapEntry, places: Places): Problem {
  const nearest = nearestConfigKey(entry.key);
  return problemAt(places.at(entry.keyOffset), {
    message: nearest === undefined ? 'unknown key, ignored' : `unknown key, ignored; did you mean ${nearest}?`,
    found: entry.key,
  });
}

function ignoredEntry(entry: MapEntry, counting: MapEntry, places: Places): Problem {
  return problemAt(places.at(entry.keyOffset), {
    message: `key set more than once: this one is ignored, that of line ${places.at(counting.keyOffset).line} counts`,
    found: entry.key,
  });
}
