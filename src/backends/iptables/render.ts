import type { DesiredChains } from './desired.ts';
import type { NatState } from './diff.ts';
import { natTable } from './names.ts';
import type { ListedRule } from './rule-text.ts';

/** A table without anything of ours. */
export const emptyState: NatState = { jumps: { right: [], wrong: [] }, chains: new Map() };

/**
 * The transaction that brings a family from a state to the desired: the chains are flushed and filled, one right jump
 * stays where it stands among the rules of others or is added at the end, and what is of no use goes.
 * iptables-restore has no "add if absent", and takes nothing where it can't delete one rule: hence the state.
 */
export function renderRestore({ jump, chains, unusedChains }: DesiredChains, state: NatState): string {
  const { right, wrong } = state.jumps;
  const unused = unusedChains.filter((name) => state.chains.has(name));
  return transaction([
    ...chains.map(({ name }) => `:${name} - [0:0]`),
    ...chains.flatMap(({ rules }) => rules),
    ...[...right.slice(1), ...wrong].map(deletion),
    ...(right.length === 0 ? [jump] : []),
    ...chainRemoval(unused),
  ]);
}

/** The transaction that removes jumps and chains. The chains may refer to each other, so all are emptied first. */
export function renderRemoval(jumps: readonly ListedRule[], chains: readonly string[]): string {
  return transaction([...jumps.map(deletion), ...chainRemoval(chains)]);
}

function chainRemoval(chains: readonly string[]): string[] {
  return [...chains.map((name) => `-F ${name}`), ...chains.map((name) => `-X ${name}`)];
}

function deletion({ text }: ListedRule): string {
  return text.replace(/^-A /, '-D ');
}

function transaction(lines: readonly string[]): string {
  return `${[`*${natTable}`, ...lines, 'COMMIT'].join('\n')}\n`;
}
