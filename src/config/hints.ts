import { isMap, isScalar, type Node } from 'yaml';
import { parseCidr } from '../net/cidr.ts';
import type { ConfigDocument, Entry, Value } from './document.ts';
import { oddText, severalCidrs } from './near-misses.ts';
import type { ProblemText } from './problems.ts';
import { type ConfigKey, configKeyOf, isListKey } from './schema.ts';

const noExceptions: ProblemText = {
  message: 'a list of CIDRs has no exceptions',
  expected: 'what is masqueraded all the same as an entry of forceMasqueradeCIDRs',
};

/** What stands where an entry of a list should, as the person who wrote it would call it; undefined for nothing known. */
export function entryHint({ node }: Value, document: ConfigDocument): ProblemText | undefined {
  const names = namesIn(node, document);
  if (names.some((name) => /(?:^|\s)except$/i.test(name))) return noExceptions;
  const [name = ''] = names;
  const [, entry = '', key = ''] = /^(\S+)\s+(\S+)$/.exec(name) ?? [];
  if (configKeyOf(key) !== undefined) return keyBehindEntry(entry, key);
  if (parseCidr(name) !== undefined) return { message: 'a colon behind a CIDR', expected: name };
  const value = names.length === 1 && isMap(node) ? document.plain(document.value(node.items[0]?.value, 0)) : undefined;
  return typeof value === 'string' && parseCidr(value) !== undefined
    ? { message: 'a key before a CIDR', expected: value }
    : undefined;
}

/** What stands in place of a list, as the person who wrote it would call it; undefined for nothing known. */
export function valueHint(key: ConfigKey, { node }: Value, document: ConfigDocument): ProblemText | undefined {
  if (!isListKey(key)) return undefined;
  if (isScalar(node)) return severalCidrs(String(node.value));
  const names = namesIn(node, document);
  if (names.some((name) => /^except$/i.test(name))) return noExceptions;
  return names.length > 0 ? severalCidrs(`{${names.join(',')}}`) : undefined;
}

/** What an unknown key was probably meant for; undefined for nothing known. */
export function keyHint(name: string): string | undefined {
  if (/^except$/i.test(name)) return 'exceptions of a list belong into forceMasqueradeCIDRs';
  const odd = oddText(name);
  return odd === undefined ? undefined : `it has ${odd.message}`;
}

/** Enough of a text to see what follows a mistake. */
const longestContext = 400;

/** What a broken text was probably meant to be, by what stands where it breaks; undefined for nothing known. */
export function syntaxHint(text: string, offset: number): ProblemText | undefined {
  const context = text.slice(offset, offset + longestContext);
  if (/^(?:(?:-[ \t]+)?\S+\s+)?["']?except["']?\s*:/i.test(context)) return noExceptions;
  if (/^-[^\s-]/.test(context)) return severalCidrs(/^\S+/.exec(context)?.[0] ?? '');
  const [, entry = '', key = ''] = /^(?:-[ \t]+)?(\S+)\s+["']?([^\s"':]+)["']?\s*:(?:\s|$)/.exec(context) ?? [];
  if (parseCidr(entry) !== undefined && configKeyOf(key) !== undefined) return keyBehindEntry(entry, key);
  return undefined;
}

function keyBehindEntry(entry: string, key: string): ProblemText {
  return {
    message: `${key} belongs to ${entry} where it stands`,
    expected: `${key} on a line of its own, in the column of the other keys`,
  };
}

function namesIn(node: Node | null, document: ConfigDocument): readonly string[] {
  if (!isMap(node)) return [];
  return node.items.map(({ key }) => document.plain(document.value(key, 0))).filter((name) => typeof name === 'string');
}

/** Deep enough for `data`, `config` and a chart's values around them; wide enough for any config. */
const deepestSearch = 5;
const widestSearch = 1000;
/** More than a message has room for. */
const mostFound = 20;
/** A text with a whole config in it, such as a key of a ConfigMap. */
const longestText = 1024 * 1024;

/** The known keys that stand deeper in a file than it is read, each with the path of keys that leads there. */
export function keysFoundDeeper(entries: readonly Entry[], document: ConfigDocument): readonly string[] {
  const found = new Set<string>();
  const open: Branch[] = entries.map(({ key, value }) => ({ path: [key], value }));
  for (const branch of open) {
    for (const name of namesBelow(branch.value, document)) {
      if (found.size < mostFound && configKeyOf(name) !== undefined) found.add([...branch.path, name].join('.'));
    }
    if (branch.path.length <= deepestSearch && open.length <= widestSearch) open.push(...branchesOf(branch, document));
  }
  return [...found];
}

interface Branch {
  readonly path: readonly string[];
  readonly value: Value;
}

function branchesOf({ path, value }: Branch, document: ConfigDocument): readonly Branch[] {
  if (!isMap(value.node)) return [...document.items(value)].map((item) => ({ path, value: item }));
  const { entries } = document.entries(value.node);
  return entries.map(({ key, value: inner }) => ({ path: [...path, key], value: inner }));
}

/** The keys of a mapping, or what looks like keys in a text. */
function namesBelow(value: Value, document: ConfigDocument): readonly string[] {
  const text = document.plain(value);
  if (typeof text !== 'string' || text.length > longestText) return namesIn(value.node, document);
  return [...text.matchAll(/^[ \t]*["']?([A-Za-z0-9]+)["']?[ \t]*:/gm)].map(([, name = '']) => name);
}

/** Why a key that forks of the agent have is refused, where to ignore it would give connections another address. */
export function refusedKey(name: string): ProblemText | undefined {
  if (!/^outputInterface(?:IPv6)?$/i.test(name)) return undefined;
  return {
    message: 'connections can not be given an interface, only an address',
    found: name,
    expected: 'outputAddress: an address of the node, or a CIDR in which each node has one',
  };
}
