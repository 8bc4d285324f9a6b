import { type Family, families } from '../../net/family.ts';
import type { IpSet } from '../../net/ip-set.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Runner } from '../../system/run.ts';
import { type AttemptResults, searchEverywhere } from '../attempt.ts';
import type { BackendName } from '../backend.ts';
import { ownedChain } from '../iptables/diff.ts';
import { type Flavour, postrouting } from '../iptables/names.ts';
import { createNatTable, type ReadLegacyTables, readLegacyTables } from '../iptables/nat-table.ts';
import { parseRule } from '../iptables/rule-text.ts';
import { nftError } from '../nft/failure.ts';
import { table as ownTable } from '../nft/names.ts';
import { type Catch, catchesOf, type ReadChain } from './chain-walk.ts';
import { natRuleOfIptables } from './iptables-rule.ts';
import { keptDestinations } from './kept-destinations.ts';
import { noteOn } from './known-programs.ts';
import {
  chainCounts,
  familiesOfTable,
  isPlainName,
  type NftChain,
  postroutingChains,
  rulesInChain,
} from './nft-listing.ts';
import { natRuleOfNft } from './nft-rule.ts';

/** A rule of another program that masquerades connections which this agent keeps. */
export interface ForeignRule {
  /** The tools that show the rule. */
  readonly backend: BackendName;
  readonly families: readonly Family[];
  /** Table and chain: `nat POSTROUTING`, `inet cni_plugins_masquerade masq_checks`. */
  readonly place: string;
  readonly rule: string;
  /** Whose it is, as far as can be told, and how it is turned off. */
  readonly note: string;
}

export interface ForeignRules extends AttemptResults<ForeignRule> {
  /** False where there was more to read than is reasonable. */
  readonly complete: boolean;
}

export interface ForeignOptions {
  readonly policy: Policy;
  /** --masq-chain: where it leads is ours. */
  readonly chain: string;
  readonly runner: Runner;
  readonly readLegacyTables?: ReadLegacyTables;
  /** Tables with more chains are left out: nft reads all of a table for one chain, seconds and 100 MB for the largest. */
  readonly mostChainsInTable?: number;
}

/** Most chains to read: a host may have tens of thousands, and each costs a process. */
const maxChains = 64;

/** What the searches share. */
interface Survey extends ForeignOptions {
  readonly signal: AbortSignal | undefined;
  readonly kept: Readonly<Record<Family, IpSet>>;
  chainsLeft: number;
  leftOut: boolean;
  /** The nft tables in which iptables-nft can read POSTROUTING, and so need not be read with nft. */
  readonly readByIptables: Set<string>;
}

/**
 * Finds the rules of other programs that would still rewrite the source of connections which this agent keeps: it only
 * says that it does not masquerade them, not that nobody may. Rules for marked packets are left out, as kube-proxy's:
 * whoever marks a packet for NAT means it. Reads chain by chain from POSTROUTING and its like on, never whole rulesets.
 * Throws AgentError ABORTED only.
 */
export async function findForeignMasquerade(options: ForeignOptions, signal?: AbortSignal): Promise<ForeignRules> {
  const { policy } = options;
  const kept = { ipv4: keptDestinations(policy.ipv4), ipv6: keptDestinations(policy.ipv6) };
  const survey: Survey = { ...options, signal, kept, chainsLeft: maxChains, leftOut: false, readByIptables: new Set() };
  const natTables = (['nft', 'legacy'] as const).flatMap((flavour) =>
    families.map((family) => () => searchNatTable(survey, flavour, family)),
  );
  const findings = await searchEverywhere([...natTables, () => searchNft(survey)]);
  return { ...findings, complete: survey.chainsLeft >= 0 && !survey.leftOut };
}

async function searchNatTable(survey: Survey, flavour: Flavour, family: Family): Promise<readonly ForeignRule[]> {
  const table = createNatTable({ readLegacyTables, ...survey, flavour, family });
  if (survey.kept[family].length === 0 || !(await table.exists())) return [];
  const readChain: ReadChain = async (name) => {
    if (name === survey.chain || survey.chainsLeft-- <= 0) return undefined;
    const rules = await table.chainRules(name, survey.signal);
    if (rules && name === postrouting && flavour === 'nft') survey.readByIptables.add(nftNatTable[family]);
    return rules
      ?.map(parseRule)
      .filter((rule) => ownedChain(rule) === undefined)
      .map((rule) => natRuleOfIptables(rule, family));
  };
  const catches = await catchesOf(postrouting, survey.kept[family], family, readChain);
  return catches.map((found) => describe(`iptables-${flavour}`, [family], 'nat', found));
}

/** Where iptables-nft keeps its nat tables. */
const nftNatTable: Readonly<Record<Family, string>> = { ipv4: 'ip nat', ipv6: 'ip6 nat' };

async function searchNft(survey: Survey): Promise<readonly ForeignRule[]> {
  const listing = await runNft(survey, ['list', 'chains']);
  const { mostChainsInTable = Number.POSITIVE_INFINITY, readByIptables } = survey;
  const sizes = chainCounts(listing);
  const foreign = postroutingChains(listing).filter(
    ({ table, name }) => table !== ownTable && !(readByIptables.has(table) && name === postrouting),
  );
  const chains = foreign.filter(({ table }) => (sizes.get(table) ?? 0) <= mostChainsInTable);
  survey.leftOut = chains.length < foreign.length;
  const rules: ForeignRule[] = [];
  for (const chain of chains) rules.push(...(await searchNftChain(survey, chain)));
  return rules;
}

/** A chain of an inet table is followed once for each family; what catches both is told once. */
async function searchNftChain(survey: Survey, { table, name }: NftChain): Promise<readonly ForeignRule[]> {
  const listings = new Map<string, readonly string[] | undefined>();
  const readRules = async (chain: string): Promise<readonly string[] | undefined> => {
    if (!listings.has(chain)) listings.set(chain, await readNftChain(survey, { table, name: chain }));
    return listings.get(chain);
  };
  const catches = new Map<string, { readonly found: Catch; readonly families: Family[] }>();
  for (const family of familiesOfTable(table)) {
    const readChain: ReadChain = async (chain) =>
      (await readRules(chain))?.map((rule) => natRuleOfNft(rule, family)).filter((rule) => rule !== undefined);
    for (const found of await catchesOf(name, survey.kept[family], family, readChain)) {
      const known = catches.get(JSON.stringify(found));
      if (known) known.families.push(family);
      else catches.set(JSON.stringify(found), { found, families: [family] });
    }
  }
  return [...catches.values()].map(({ found, families: caught }) => describe('nft', caught, table, found));
}

async function readNftChain(survey: Survey, { table, name }: NftChain): Promise<readonly string[] | undefined> {
  if (name === survey.chain || !isPlainName(name) || survey.chainsLeft-- <= 0) return undefined;
  return rulesInChain(await runNft(survey, ['list', 'chain', ...table.split(' '), name]));
}

async function runNft({ runner, signal }: Survey, args: readonly string[]): Promise<string> {
  const outcome = await runner.run({ tool: 'nft', args, signal });
  if (outcome.exitCode !== 0) throw nftError(outcome, '');
  return outcome.stdout;
}

function describe(backend: BackendName, caught: readonly Family[], table: string, { chain, rule }: Catch): ForeignRule {
  const place = `${table} ${chain}`;
  return { backend, families: caught, place, rule, note: noteOn(place, rule) };
}
