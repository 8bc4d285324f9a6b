import { parseAddress, parseCidr, rangeOf } from '../../src/net/cidr.ts';
import { type Family, families } from '../../src/net/family.ts';
import { type AddressRange, complement, ipSet } from '../../src/net/ip-set.ts';
import { type Action, addressAndPorts, type Chains, type Match, type Rule } from './ruleset.ts';

/** What a table holds after the texts that a host without it was given. */
export interface NftTable {
  readonly chains: Chains;
  /** The heads of chains that the kernel itself calls, by name. */
  readonly hooks: ReadonlyMap<string, string>;
}

/** Everything in a table, as it is being made. */
interface Objects {
  readonly counters: Set<string>;
  readonly sets: Map<string, { readonly header: string; readonly elements: string[] }>;
  readonly hooks: Map<string, string>;
  readonly rules: Map<string, string[]>;
}

/**
 * Runs texts for `nft -f -`, one after the other, on nothing. Knows the blocks of a listing, `add`, `create`, `flush`,
 * and throws at whatever else there is: nothing is skipped. Of names, those count that the text itself declares.
 */
export function tableOf(texts: readonly string[], table: string): NftTable {
  const objects: Objects = { counters: new Set(), sets: new Map(), hooks: new Map(), rules: new Map() };
  for (const text of texts) for (const statement of statementsIn(text)) run(statement, objects, table);
  const chains = new Map(
    [...objects.rules].map(([name, rules]) => [name, rules.flatMap((rule) => rulesOf(rule, objects))]),
  );
  return { chains, hooks: objects.hooks };
}

/** A statement with what stands in its braces, where it has a block of statements rather than a list. */
interface Statement {
  readonly text: string;
  readonly block: readonly Statement[] | undefined;
}

/** Blocks begin with a brace at the end of a line; braces within a line hold lists. */
function statementsIn(text: string): Statement[] {
  const lines = joinLists(text);
  const read = (): Statement[] => {
    const statements: Statement[] = [];
    for (let line = lines.shift(); line !== undefined && line !== '}'; line = lines.shift()) {
      if (line.endsWith('{')) statements.push({ text: line.slice(0, -1).trim(), block: read() });
      else statements.push({ text: line, block: undefined });
    }
    return statements;
  };
  const statements = read();
  if (lines.length > 0) throw new Error(`a } too many before ${lines[0]}`);
  return statements;
}

/** The lines of a text, with `elements = {` … `}` on one, and comments and empty lines gone. */
function joinLists(text: string): string[] {
  const lines: string[] = [];
  let list: string[] | undefined;
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (list) list.push(line);
    else if (/[=\w] \{$/.test(line) && /\belements = \{$/.test(line)) list = [line];
    else lines.push(line);
    if (list && line.endsWith('}')) {
      lines.push(list.join(' '));
      list = undefined;
    }
  }
  return lines;
}

function run(statement: Statement, objects: Objects, table: string): void {
  const { text, block } = statement;
  if (text === `table ${table}` && block) {
    for (const inner of block) declare(inner, objects);
    return;
  }
  const [, command = '', rest = ''] = /^((?:add|create|flush) \w+) (.*)$/.exec(text) ?? [];
  if (rest === table && command === 'add table') return;
  if (!rest.startsWith(`${table} `)) throw new Error(`not known here: ${text}`);
  const [, name = '', content = ''] = /^(\S+) ?(.*)$/.exec(rest.slice(table.length + 1)) ?? [];
  runCommand(command, name, content, { ...statement, objects });
}

function runCommand(
  command: string,
  name: string,
  content: string,
  { text, block, objects }: Statement & { readonly objects: Objects },
): void {
  if (command === 'flush chain') required(objects.rules.get(name), text).splice(0);
  else if (command === 'add rule') required(objects.rules.get(name), text).push(content);
  else if (command === 'add element') required(objects.sets.get(name), text).elements.push(...listIn(content));
  else {
    const [, kind = ''] = /^(?:add|create) (chain|set|map|counter)$/.exec(command) ?? [];
    const inner = content.replace(/^\{ ?/, '').replace(/ ?\}$/, '');
    declare({ text: `${kind} ${name}`, block: block ?? [{ text: inner, block: undefined }] }, objects);
  }
}

function declare({ text, block }: Statement, objects: Objects): void {
  const [kind = '', name = '', ...more] = text.split(' ');
  if (more.length > 0 || !block) throw new Error(`not known here: ${text}`);
  const lines = block.map((statement) => {
    if (statement.block) throw new Error(`a block in ${text}: ${statement.text}`);
    return statement.text;
  });
  if (kind === 'counter' && lines.join('') === '') objects.counters.add(name);
  else if (kind === 'set' || kind === 'map') declareSet(name, lines, objects);
  else if (kind === 'chain') {
    const head = lines.filter((line) => line.startsWith('type '));
    if (head[0] !== undefined) objects.hooks.set(name, head.join(' '));
    const rules = lines.filter((line) => !line.startsWith('type ') && line !== '');
    objects.rules.set(name, [...(objects.rules.get(name) ?? []), ...rules]);
  } else throw new Error(`not known here: ${text}`);
}

function declareSet(name: string, lines: readonly string[], objects: Objects): void {
  const header: string[] = [];
  const elements: string[] = [];
  for (const line of lines.flatMap((text) =>
    text.startsWith('elements') ? [text] : text.split(';').map((part) => part.trim()),
  )) {
    const content = /^elements = (\{.*\})$/.exec(line)?.[1];
    if (content !== undefined) elements.push(...listIn(content));
    else if (/^(?:type|typeof|flags|size|auto-merge|comment)\b/.test(line)) header.push(line);
    else if (line !== '') throw new Error(`not known in a set: ${line}`);
  }
  objects.sets.set(name, { header: header.join('; '), elements });
}

/** The members of `{ a, b }`. */
function listIn(text: string): string[] {
  const content = /^\{(.*)\}$/.exec(text.trim())?.[1];
  if (content === undefined) throw new Error(`not a list: ${text}`);
  return content
    .split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '');
}

/** A rule as one or, where it has a verdict map, as several. */
function rulesOf(text: string, objects: Objects): Rule[] {
  const words = text.match(/"[^"]*"|\{[^}]*\}|\S+/g) ?? [];
  const matches: Match[] = [];
  const counters: string[] = [];
  while (words.length > 0) {
    const action = actionOf(words);
    if (action) return [{ matches, counters, action }];
    if (words[0] === 'counter') counters.push(...counterOf(words, objects));
    else {
      const found = conditionOf(words, objects);
      if ('verdicts' in found) return found.verdicts.map((verdict) => branch(matches, counters, verdict, words));
      matches.push(...found.matches);
    }
  }
  return [{ matches, counters, action: { kind: 'continue' } }];
}

function branch(
  matches: readonly Match[],
  counters: readonly string[],
  { match, action }: Verdict,
  rest: readonly string[],
): Rule {
  return { matches: [...matches, match], counters, action: ended(rest, action) };
}

function counterOf(words: string[], objects: Objects): string[] {
  words.shift();
  if (words[0] === 'name') {
    const [, quoted = ''] = words.splice(0, 2);
    const name = quoted.replaceAll('"', '');
    if (!objects.counters.has(name)) throw new Error(`there is no counter ${name}`);
    return [name];
  }
  if (words[0] === 'packets') words.splice(0, 4);
  return [];
}

/** The verdict that the words begin with, taken off them; undefined where they begin with something else. */
function actionOf(words: string[]): Action | undefined {
  const [word = '', next = ''] = words;
  if (word === 'return' || word === 'accept' || word === 'continue') {
    words.splice(0, 1);
    return ended(words, { kind: word });
  }
  if (word === 'jump' || word === 'goto') {
    words.splice(0, 2);
    return ended(words, { kind: word, chain: next });
  }
  if (word === 'snat') {
    const [, , to, text = ''] = words.splice(0, 4);
    if (to !== 'to' || (next !== 'ip' && next !== 'ip6')) throw new Error(`not known here: snat ${next} ${to} ${text}`);
    const random = isRandom(words);
    return ended(words, { kind: 'masquerade', ...addressAndPorts(text), random });
  }
  if (word !== 'masquerade') return undefined;
  words.shift();
  const ports = words[0] === 'to' ? words.splice(0, 2)[1]?.replace(/^:/, '') : undefined;
  const random = isRandom(words);
  return ended(words, { kind: 'masquerade', address: undefined, ports, random });
}

function isRandom(words: string[]): boolean {
  return words[0] === 'fully-random' && words.shift() !== undefined;
}

function ended(words: readonly string[], action: Action): Action {
  if (words.length > 0 && words[0] !== 'comment') throw new Error(`after the verdict: ${words.join(' ')}`);
  return action;
}

/** One member of a verdict map. */
interface Verdict {
  readonly match: Match;
  readonly action: Action;
}

type Condition = { readonly matches: readonly Match[] } | { readonly verdicts: readonly Verdict[] };

/** The condition that the words begin with, taken off them. */
function conditionOf(words: string[], objects: Objects): Condition {
  const begin = words.join(' ');
  const [known] = begin.match(/^(?:fib daddr type|oifname|numgen random mod|meta \w+|ip6? \w+)/) ?? [];
  const [key = '', field = ''] = words.splice(0, known?.split(' ').length);
  switch (key) {
    case 'fib':
      return { matches: [{ kind: 'local', value: comparedWith('local', words) }] };
    case 'oifname':
      return { matches: [{ kind: 'leaves-by-lo', value: comparedWith('"lo"', words) }] };
    case 'numgen': {
      const [sides, operation, limit] = words.splice(0, 3);
      if (operation !== '<') throw new Error(`not known here: ${begin}`);
      return { matches: [{ kind: 'chance', chance: Number(limit) / Number(sides) }] };
    }
    case 'meta':
      return metaCondition(field, words);
    case 'ip':
    case 'ip6':
      return addressCondition(key === 'ip' ? 'ipv4' : 'ipv6', field, words, objects);
    default:
      throw new Error(`not known here: ${begin}`);
  }
}

/** Whether a comparison with the one value that is known here is for being equal. */
function comparedWith(value: string, words: string[]): boolean {
  const isEqual = operator(words);
  if (words.shift() !== value) throw new Error(`compared with something else than ${value}`);
  return isEqual;
}

function metaCondition(key: string, words: string[]): Condition {
  if (words[0] === 'vmap' && key === 'nfproto') {
    const pairs = listIn(words.splice(0, 2)[1] ?? '').map(verdictPair);
    return {
      verdicts: pairs.map(([value, action]) => ({ match: { kind: 'family', families: [familyOf(value)] }, action })),
    };
  }
  const isEqual = operator(words);
  const value = words.shift() ?? '';
  const values = value.startsWith('{') ? listIn(value) : [value];
  if (key === 'nfproto') {
    return {
      matches: [{ kind: 'family', families: families.filter((family) => values.includes(family) === isEqual) }],
    };
  }
  if (key === 'l4proto' && isEqual) return { matches: [{ kind: 'protocol', protocols: values }] };
  throw new Error(`meta ${key} is not known here`);
}

function familyOf(text: string): Family {
  return required(
    families.find((family) => family === text),
    text,
  );
}

function verdictPair(text: string): [value: string, action: Action] {
  const [value = '', verdict = ''] = text.split(' : ');
  return [value, required(actionOf(verdict.split(' ')), text)];
}

function addressCondition(family: Family, field: string, words: string[], objects: Objects): Condition {
  const side = field === 'saddr' ? 'source' : 'destination';
  if (field !== 'saddr' && field !== 'daddr') throw new Error(`ip ${field} is not known here`);
  if (words[0] === 'vmap') {
    const text = words.splice(0, 2)[1] ?? '';
    const elements = text.startsWith('@') ? namedSet(text, family, objects) : listIn(text);
    return {
      verdicts: elements.map(verdictPair).map(([value, action]) => ({
        match: { kind: 'address', side, family, set: ipSet([rangeOfElement(value, family)]) },
        action,
      })),
    };
  }
  const isEqual = operator(words);
  const text = required(words.shift(), 'an address that is missing');
  const elements = text.startsWith('@')
    ? namedSet(text, family, objects)
    : text.startsWith('{')
      ? listIn(text)
      : [text];
  const ranges = elements.map((element) => rangeOfElement(element, family));
  const set = ipSet(ranges);
  // The kernel refuses what overlaps.
  const sorted = ranges.toSorted((a, b) => (a.first < b.first ? -1 : 1));
  if (sorted.some(({ first }, index) => first <= (sorted[index - 1]?.last ?? -1n)))
    throw new Error(`overlaps: ${text}`);
  return { matches: [{ kind: 'address', side, family, set: isEqual ? set : complement(set, family) }] };
}

const setTypes: Readonly<Record<Family, RegExp>> = {
  ipv4: /\b(?:type ipv4_addr|typeof ip [sd]addr)\b/,
  ipv6: /\b(?:type ipv6_addr|typeof ip6 [sd]addr)\b/,
};

function namedSet(reference: string, family: Family, objects: Objects): readonly string[] {
  const { header, elements } = required(objects.sets.get(reference.slice(1)), reference);
  if (!setTypes[family].test(header) || !header.includes('interval')) throw new Error(`${reference} is ${header}`);
  return elements;
}

/** `10.0.0.0/8`, `10.0.0.1-10.0.0.9` or `10.0.0.1`. */
function rangeOfElement(text: string, family: Family): AddressRange {
  const cidr = parseCidr(text);
  const [from = '', to = from] = text.split('-');
  const [first, last] = [parseAddress(from), parseAddress(to)];
  const range = cidr ? rangeOf(cidr) : first && last && { first: first.value, last: last.value };
  if (!range || (cidr ?? first)?.family !== family || range.last < range.first) throw new Error(`no element: ${text}`);
  return range;
}

/** Whether a comparison is for being equal; the sign, where there is one, is taken off the words. */
function operator(words: string[]): boolean {
  if (words[0] === '==' || words[0] === '!=') return words.shift() === '==';
  return true;
}

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`not there: ${what}`);
  return value;
}
