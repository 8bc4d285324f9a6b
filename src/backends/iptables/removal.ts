import { ownedChain } from './comparison.ts';
import { helperChains } from './names.ts';
import type { NatTable } from './nat-table.ts';
import { renderRemoval } from './render.ts';
import type { ListedRule } from './rule-text.ts';
import { jumpRule, quotedJumpRule } from './ruleset.ts';

/** What this agent, upstream or Azure's agent made in one nat table and is to go. */
export interface OwnRules {
  /** Rules in POSTROUTING; whoever made them, they jump to a chain that goes. */
  readonly jumps: readonly ListedRule[];
  /** Main chains and their helpers. */
  readonly chains: readonly string[];
}

export const noRules: OwnRules = { jumps: [], chains: [] };

/**
 * Finds the chain of this name and every chain that a jump with our comment leads to (an earlier --masq-chain), except
 * `active`, whose rules are to stay. Throws AgentError.
 */
export async function findOwnRules(
  table: NatTable,
  chain: string,
  active: string | undefined,
  signal?: AbortSignal,
): Promise<OwnRules> {
  if (!(await table.exists())) return noRules;
  const rules = await table.postroutingRules([jumpRule(chain), quotedJumpRule(chain)], signal);
  const staying = new Set(active === undefined ? [] : familyOf(active));
  const mains = new Set([chain, ...rules.map(ownedChain)].filter((name) => name !== undefined && !staying.has(name)));
  const chains: string[] = [];
  for (const name of [...mains].flatMap((main) => (main === undefined ? [] : familyOf(main)))) {
    if (await table.chainRules(name, signal)) chains.push(name);
  }
  return { jumps: rules.filter(({ target }) => mains.has(target)), chains };
}

/** Removes what `findOwnRules` found, in one transaction. Throws AgentError. */
export async function removeOwnRules(
  table: NatTable,
  { jumps, chains }: OwnRules,
  signal?: AbortSignal,
): Promise<void> {
  if (jumps.length + chains.length > 0) await table.restore(renderRemoval(jumps, chains), signal);
}

/** The rules in a few words each, for logs and differences. */
export function describeOwnRules({ jumps, chains }: OwnRules): readonly string[] {
  return [
    ...chains.map((name) => `chain ${name}`),
    ...[...new Set(jumps.map(({ target }) => target))].map((name) => `jump from POSTROUTING to ${name}`),
  ];
}

function familyOf(main: string): string[] {
  return [main, ...Object.values(helperChains(main))];
}
