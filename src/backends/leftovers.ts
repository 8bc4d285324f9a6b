import { type Family, families } from '../net/family.ts';
import type { Runner } from '../system/run.ts';
import { type AttemptResults, searchEverywhere } from './attempt.ts';
import type { Backend, BackendName } from './backend.ts';
import type { Flavour } from './iptables/names.ts';
import { createNatTable, type ReadLegacyTables, readLegacyTables } from './iptables/nat-table.ts';
import { describeOwnRules, findOwnRules, removeOwnRules } from './iptables/removal.ts';
import { isAbsent, nftError } from './nft/failure.ts';
import { table as nftTable } from './nft/names.ts';

export interface LeftoverOptions {
  /** The backend whose rules under `chain` are to stay. */
  readonly active: BackendName;
  /** --masq-chain. */
  readonly chain: string;
  readonly runner: Runner;
  /** Removes the nft table. */
  readonly nft: Pick<Backend, 'cleanup'>;
  readonly readLegacyTables?: ReadLegacyTables;
}

/** Looks into one place where rules of ours may be, and says what is, or was, there. */
type Search = (remove: boolean, signal?: AbortSignal) => Promise<readonly string[]>;

/** What was found, or removed: `iptables-legacy ipv4: chain IP-MASQ-AGENT`. */
export type Leftovers = AttemptResults<string>;

/**
 * Finds what this agent (under another backend or another --masq-chain), upstream or Azure's agent left, in every
 * backend and family. Changes nothing. Throws AgentError ABORTED only.
 */
export function findLeftovers(options: LeftoverOptions, signal?: AbortSignal): Promise<Leftovers> {
  return searchEverywhere(searchesOf(options).map((search) => () => search(false, signal)));
}

/** Removes what `findLeftovers` finds. Meant for when the active rules are in place: new before old. */
export function removeLeftovers(options: LeftoverOptions, signal?: AbortSignal): Promise<Leftovers> {
  return searchEverywhere(searchesOf(options).map((search) => () => search(true, signal)));
}

function searchesOf(options: LeftoverOptions): readonly Search[] {
  const natTables = (['nft', 'legacy'] as const).flatMap((flavour) =>
    families.map((family) => natTableSearch(options, flavour, family)),
  );
  return options.active === 'nft' ? natTables : [nftSearch(options), ...natTables];
}

function natTableSearch(options: LeftoverOptions, flavour: Flavour, family: Family): Search {
  const name: BackendName = `iptables-${flavour}`;
  const table = createNatTable({ readLegacyTables, ...options, flavour, family });
  const active = options.active === name ? options.chain : undefined;
  return async (remove, signal) => {
    const own = await findOwnRules(table, options.chain, active, signal);
    if (remove) await removeOwnRules(table, own, signal);
    return describeOwnRules(own).map((what) => `${name} ${family}: ${what}`);
  };
}

function nftSearch({ runner, nft }: LeftoverOptions): Search {
  return async (remove, signal) => {
    // Not `list chains`, which reads everybody's.
    const args = ['-t', '-s', 'list', 'table', ...nftTable.split(' ')];
    const outcome = await runner.run({ tool: 'nft', args, signal });
    if (isAbsent(outcome)) return [];
    if (outcome.exitCode !== 0) throw nftError(outcome, '');
    return remove ? nft.cleanup(signal) : [`nft table ${nftTable}`];
  };
}
