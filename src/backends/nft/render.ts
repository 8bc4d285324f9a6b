import { families } from '../../net/family.ts';
import type { DesiredTable, NftSet } from './desired.ts';
import { baseChain, baseChainHead, counters, table } from './names.ts';

/** The counters that the table has under every policy. */
export const counterNames: readonly string[] = families.flatMap((family) => [
  counters.kept[family],
  counters.masqueraded[family],
]);

/** What stands in a set but its elements. */
export function setHead({ field }: NftSet): readonly string[] {
  // `typeof`, since nft 1.1.2 and later writes `type ipv4_addr` in a way that crashes nft up to 1.1.1 when it reads it.
  return [`typeof ${field}`, 'flags interval'];
}

/** What stands in the base chain. */
export function baseChainBody({ baseRules }: Pick<DesiredTable, 'baseRules'>): readonly string[] {
  return [baseChainHead, ...baseRules];
}

/**
 * The text that adds the counters, and the given sets and chains, to the table. No live rule refers to them yet, so no
 * packet can meet a half-filled set.
 */
export function renderFill({ sets, chains }: Pick<DesiredTable, 'sets' | 'chains'>): string {
  return inTable(renderObjects({ sets, chains }));
}

/**
 * The text that makes a filled policy the live one, rules only: the kernel switches rules at one instant, which it
 * does not do for rules and elements together. Declaring the table anew without flags wakes it if somebody made it
 * dormant.
 */
export function renderSwitch({ baseRules }: Pick<DesiredTable, 'baseRules'>): string {
  const commands = [
    `add table ${table}`,
    `add chain ${table} ${baseChain} { ${baseChainHead} }`,
    `flush chain ${table} ${baseChain}`,
    ...baseRules.map((rule) => `add rule ${table} ${baseChain} ${rule}`),
  ];
  return `${commands.join('\n')}\n`;
}

/** The text of the whole table as the kernel should list it. */
export function renderTable(desired: DesiredTable): string {
  return inTable(renderObjects(desired) + object(`chain ${baseChain}`, lines(baseChainBody(desired))));
}

function renderObjects({ sets, chains }: Pick<DesiredTable, 'sets' | 'chains'>): string {
  return [
    ...counterNames.map((name) => object(`counter ${name}`, '')),
    ...sets.map((set) => object(`set ${set.name}`, lines(setHead(set)) + renderElements(set))),
    ...chains.map(({ name, rules }) => object(`chain ${name}`, lines(rules))),
  ].join('');
}

/** One element a line: lists may be long, and nft names the line that it complains about. */
function renderElements({ elements }: NftSet): string {
  return `\t\telements = {\n\t\t\t${elements.join(',\n\t\t\t')}\n\t\t}\n`;
}

function inTable(objects: string): string {
  return `table ${table} {\n${objects}}\n`;
}

function object(head: string, body: string): string {
  return `\t${head} {\n${body}\t}\n`;
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `\t\t${text}\n`).join('');
}
