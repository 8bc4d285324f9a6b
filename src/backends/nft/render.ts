import { families } from '../../net/family.ts';
import { baseChain, baseChainHead, counters, table } from './names.ts';
import type { NftSet, Ruleset } from './ruleset.ts';

/** Sets and chains, of one policy or a part of them. */
type Filling = Pick<Ruleset, 'sets' | 'chains'>;

/**
 * The text that adds the policy's counters, sets and chains to the table. Nothing refers to them yet, so no packet
 * can meet a half-filled set.
 */
export function renderFill(filling: Filling): string {
  return inTable(renderObjects(filling, renderElements));
}

/**
 * The text that makes a filled policy the live one, rules only: the kernel switches rules at one instant, which it
 * does not do for rules and sets together. Declaring the table anew without flags wakes it if somebody made it dormant.
 */
export function renderSwitch({ entry }: Ruleset): string {
  const commands = [
    `add table ${table}`,
    `add chain ${table} ${baseChain} { ${baseChainHead} }`,
    `flush chain ${table} ${baseChain}`,
    `add rule ${table} ${baseChain} jump ${entry}`,
  ];
  return `${commands.join('\n')}\n`;
}

/** The text of the whole table as the kernel should list it once the policy is live. */
export function renderTable(ruleset: Ruleset): string {
  return inTable(renderObjects(ruleset, renderElements) + renderBaseChain(ruleset));
}

/** The same as a terse listing, which leaves out the elements of sets, should show it. */
export function renderTerseTable(ruleset: Ruleset): string {
  return inTable(renderObjects(ruleset, () => '') + renderBaseChain(ruleset));
}

function renderObjects({ sets, chains }: Filling, contentOf: (set: NftSet) => string): string {
  const ownCounters = families.flatMap((family) => [counters.kept[family], counters.masqueraded[family]]);
  return [
    ...ownCounters.map((name) => object(`counter ${name}`, '')),
    ...sets.map((set) => object(`set ${set.name}`, lines([`type ${set.type}`, 'flags interval']) + contentOf(set))),
    ...chains.map(({ name, rules }) => object(`chain ${name}`, lines(rules))),
  ].join('');
}

/** One element a line: lists may be long, and nft names the line that it complains about. */
function renderElements({ elements }: NftSet): string {
  return `\t\telements = {\n\t\t\t${elements.join(',\n\t\t\t')}\n\t\t}\n`;
}

function renderBaseChain({ entry }: Ruleset): string {
  return object(`chain ${baseChain}`, lines([baseChainHead, `jump ${entry}`]));
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
