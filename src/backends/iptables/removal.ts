import { jumpRule, quotedJumpRule } from './desired.ts';
import { ownedChain } from './diff.ts';
import { helperChains } from './names.ts';
import type { NatTable } from './nat-table.ts';
import { renderRemoval } from './render.ts';
import type { ListedRule } from './rule-text.ts';

/** What this agent, upstream or Azure's agent made in one nat table and is to go. */
export interface OwnRules {
  /** Rules in POSTROUTING; whoever made them, they jump to a chain that goes. */
  readonly jumps: readonly ListedRule[];
  /** Main chains and their helpers. */
  readonly chains: readonly string[];
}

export const noRules: OwnRules = { jumps: [], chains: [] };

/** Finds the chain of this name and what jumps to it. Throws AgentError. */
export function findNamedRules(table: NatTable, chain: string, signal?: AbortSignal): Promise<OwnRules> {
  return findRules(table, chain, () => new Set([chain]), signal);
}

/**
 * Finds the chain of this name and every chain that a jump with our comment leads to (an earlier --masq-chain), except
 * `active`, whose rules are to stay. Throws AgentError.
 */
export function findOwnRules(
  table: NatTable,
  chain: string,
  active: string | undefined,
  signal?: AbortSignal,
): Promise<OwnRules> {
  const staying = new Set(active === undefined ? [] : withHelpers(active));
  const mainsOf = (rules: readonly ListedRule[]): ReadonlySet<string> => {
    const owned = rules.map(ownedChain).filter((name) => name !== undefined);
    return new Set([chain, ...owned].filter((name) => !staying.has(name)));
  };
  return findRules(table, chain, mainsOf, signal);
}

/** Finds those main chains and their helpers that are there, and the jumps to them. */
async function findRules(
  table: NatTable,
  chain: string,
  mainsOf: (rules: readonly ListedRule[]) => ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<OwnRules> {
  if (!(await table.exists())) return noRules;
  const rules = await table.postroutingRules([jumpRule(chain), quotedJumpRule(chain)], signal);
  const mains = mainsOf(rules);
  const chains: string[] = [];
  for (const name of [...mains].flatMap(withHelpers)) {
    if (await table.chainRules(name, signal)) chains.push(name);
  }
  return { jumps: rules.filter(({ target }) => target !== undefined && mains.has(target)), chains };
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

function withHelpers(main: string): string[] {
  return [main, ...Object.values(helperChains(main))];
}
