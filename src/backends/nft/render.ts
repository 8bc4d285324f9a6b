import { families } from '../../net/family.ts';
import { baseChain, baseChainHead, counters, policyChain, table } from './names.ts';
import type { NftChain, NftSet, Ruleset } from './ruleset.ts';

/**
 * The text that adds the policy's counters, sets and chains to the table. Nothing refers to them yet, so no packet
 * can meet a half-filled set.
 */
export function renderFill(ruleset: Ruleset): string {
  return block(`table ${table}`, [
    ...families.flatMap((family) => [
      block(`counter ${counters.kept[family]}`, []),
      block(`counter ${counters.masqueraded[family]}`, []),
    ]),
    ...ruleset.sets.map(renderSet),
    ...ruleset.chains.map(renderChain),
  ]);
}

/**
 * The text that makes a filled policy the live one, rules only: the kernel switches rules at one instant, which it
 * does not do for rules and sets together. Declaring the table anew without flags wakes it if somebody made it dormant.
 */
export function renderSwitch({ suffix }: Ruleset): string {
  return lines([
    `add table ${table}`,
    `add chain ${table} ${baseChain} { ${baseChainHead} }`,
    `flush chain ${table} ${baseChain}`,
    `add rule ${table} ${baseChain} ${baseChainRule(suffix)}`,
  ]);
}

/** The text of the whole table as the kernel should list it once the policy is live. */
export function renderTable(ruleset: Ruleset): string {
  const base = block(`chain ${baseChain}`, [baseChainHead, baseChainRule(ruleset.suffix)]);
  return `${renderFill(ruleset)}${block(`table ${table}`, [base])}`;
}

function baseChainRule(suffix: string): string {
  return `jump ${policyChain(suffix)}`;
}

function renderSet({ name, type, elements }: NftSet): string {
  const rows = elements.map((element, index) => (index < elements.length - 1 ? `${element},` : element));
  return block(`set ${name}`, [`type ${type}`, 'flags interval', block('elements =', rows)]);
}

function renderChain({ name, rules }: NftChain): string {
  return block(`chain ${name}`, rules);
}

function block(head: string, body: readonly string[]): string {
  return lines([
    `${head} {`,
    ...body.flatMap((part) =>
      part
        .trimEnd()
        .split('\n')
        .map((line) => `\t${line}`),
    ),
    '}',
  ]);
}

function lines(parts: readonly string[]): string {
  return `${parts.join('\n')}\n`;
}
