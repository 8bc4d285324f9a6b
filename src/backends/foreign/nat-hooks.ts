import { AgentError, asAgentError, codeOf } from '../../errors.ts';
import type { Family } from '../../net/family.ts';
import type { Runner } from '../../system/run.ts';
import { type AttemptResults, searchEverywhere } from '../attempt.ts';
import type { BackendName } from '../backend.ts';
import { ownedChain } from '../iptables/diff.ts';
import { type Flavour, postrouting } from '../iptables/names.ts';
import { createNatTable, type ReadLegacyTables, readLegacyTables } from '../iptables/nat-table.ts';
import { type ListedRule, parseRule } from '../iptables/rule-text.ts';
import { nftError } from '../nft/failure.ts';
import { table as ownTable } from '../nft/names.ts';
import { natRuleOfIptables } from './iptables-rule.ts';
import { concernsServicesOnly } from './known-programs.ts';
import type { NatRule } from './nat-rule.ts';
import {
  familiesOfTable,
  isPlainName,
  type NftBaseChain,
  postroutingChains,
  rulesInChain,
  srcnatPriority,
} from './nft-listing.ts';
import { natRuleOfNft } from './nft-rule.ts';

/** The rules of other programs that new connections of one family meet on their way out, in one nat table. */
export interface NatHook {
  readonly backend: BackendName;
  readonly family: Family;
  readonly table: string;
  /** Whether connections meet them before our rules, or only where ours have kept them. */
  readonly when: 'before' | 'after';
  readonly rules: readonly NatRule[];
  /** The chains that these lead to, by name. One that is not here could not be read. */
  readonly chains: ReadonlyMap<string, readonly NatRule[]>;
}

export interface NatHooks extends AttemptResults<NatHook> {
  /** False where there was more to read than is reasonable. */
  readonly complete: boolean;
}

export interface NatHookOptions {
  /** The backend that holds our rules. */
  readonly own: BackendName;
  /** --masq-chain: where it leads is ours. */
  readonly chain: string;
  readonly families: readonly Family[];
  readonly runner: Runner;
  readonly readLegacyTables?: ReadLegacyTables;
  readonly signal?: AbortSignal | undefined;
}

/** Most chains to read: the CNI's bridge plugin makes one for each Pod, and each costs a process. */
const maxChains = 256;

/** Priority of our nft base chain: srcnat + 10. */
const ownPriority = srcnatPriority + 10;

interface Reading extends NatHookOptions {
  chainsLeft: number;
  /** The nft tables whose POSTROUTING iptables-nft has read. */
  readonly readByIptables: Set<string>;
}

/**
 * Reads the rules of other programs that may decide about a new connection before ours do, or about one that ours keep.
 * Left out is what concerns connections through a Service only, which go by other signs. Throws AgentError ABORTED only.
 */
export async function readNatHooks(options: NatHookOptions): Promise<NatHooks> {
  const reading: Reading = { ...options, chainsLeft: maxChains, readByIptables: new Set() };
  const natTables = (['nft', 'legacy'] as const).flatMap((flavour) =>
    options.families.map((family) => () => readNatTable(reading, flavour, family)),
  );
  const results = await searchEverywhere([...natTables, () => needingTool(readNftChains(reading))]);
  return { ...results, complete: reading.chainsLeft >= 0 };
}

/** Where a place is known to be there, or may be, a missing tool does not mean that there is nothing in it. */
async function needingTool<T>(search: Promise<T>): Promise<T> {
  return search.catch((error: unknown) => {
    if (codeOf(error) !== 'TOOL_MISSING') throw error;
    throw new AgentError('TOOL_FAILED', asAgentError(error).message, { cause: error });
  });
}

async function readNatTable(reading: Reading, flavour: Flavour, family: Family): Promise<readonly NatHook[]> {
  const table = createNatTable({ readLegacyTables, ...reading, flavour, family });
  if (!(await table.exists())) return [];
  // What iptables-nft keeps can be read with nft as well.
  const listing = table.chainRules(postrouting, reading.signal);
  const listed = await (flavour === 'nft' ? listing : needingTool(listing));
  if (!listed) return [];
  if (flavour === 'nft') reading.readByIptables.add(`${family === 'ipv4' ? 'ip' : 'ip6'} nat`);
  const backend = `iptables-${flavour}` as const;
  const parse = (rules: readonly ListedRule[]): readonly NatRule[] =>
    rules.filter((rule) => !isOurs(rule)).map((rule) => natRuleOfIptables(rule, family));
  const readChain = async (name: string): Promise<readonly NatRule[] | undefined> =>
    (await table.chainRules(name, reading.signal))?.map((text) => natRuleOfIptables(parseRule(text), family));
  return Promise.all(
    splitAtOurs(reading, backend, listed.map(parseRule)).map(async ({ when, rules }) => {
      const parsed = parse(rules);
      return {
        backend,
        family,
        table: 'nat',
        when,
        rules: parsed,
        chains: await readCalled(reading, parsed, readChain),
      };
    }),
  );
}

function isOurs(rule: ListedRule): boolean {
  return ownedChain(rule) !== undefined;
}

/** What stands before our jump and what stands after it; before, where ours are not in this chain. */
function splitAtOurs({ own, chain }: Reading, backend: BackendName, rules: readonly ListedRule[]) {
  const jump = own === backend ? rules.findIndex((rule) => ownedChain(rule) === chain) : -1;
  const when = placeOf(own, srcnatPriority);
  if (jump < 0) return [{ when, rules }];
  return [
    { when: 'before' as const, rules: rules.slice(0, jump) },
    { when: 'after' as const, rules: rules.slice(jump + 1) },
  ];
}

/** Chains of equal priority run in the order in which they were made, which is not listed: that counts as before. */
function placeOf(own: BackendName, priority: number): NatHook['when'] {
  return priority > (own === 'nft' ? ownPriority : srcnatPriority) ? 'after' : 'before';
}

async function readNftChains(reading: Reading): Promise<readonly NatHook[]> {
  const chains = postroutingChains(await runNft(reading, ['list', 'chains'])).filter(
    ({ table, name }) =>
      table !== ownTable &&
      !concernsServicesOnly({ table }) &&
      !(reading.readByIptables.has(table) && name === postrouting),
  );
  const hooks: NatHook[] = [];
  for (const chain of chains) hooks.push(...(await readNftChain(reading, chain)));
  return hooks;
}

/** A chain of an inet table is read for each family. */
async function readNftChain(reading: Reading, { table, name, priority }: NftBaseChain): Promise<readonly NatHook[]> {
  const listings = new Map<string, Promise<readonly string[]>>();
  const listingOf = (chain: string): Promise<readonly string[]> => {
    const listing =
      listings.get(chain) ?? runNft(reading, ['list', 'chain', ...table.split(' '), chain]).then(rulesInChain);
    listings.set(chain, listing);
    return listing;
  };
  const hooks: NatHook[] = [];
  for (const family of familiesOfTable(table).filter((one) => reading.families.includes(one))) {
    const readChain = async (chain: string): Promise<readonly NatRule[] | undefined> =>
      isPlainName(chain) ? natRulesOf(await listingOf(chain), family) : undefined;
    const rules = natRulesOf(await listingOf(name), family);
    const chains = await readCalled(reading, rules, readChain);
    hooks.push({ backend: 'nft', family, table, when: placeOf(reading.own, priority), rules, chains });
  }
  return hooks;
}

function natRulesOf(rules: readonly string[], family: Family): readonly NatRule[] {
  return rules.map((rule) => natRuleOfNft(rule, family)).filter((rule) => rule !== undefined);
}

/** Reads every chain that rules lead to, each once. */
async function readCalled(
  reading: Reading,
  rules: readonly NatRule[],
  readChain: (name: string) => Promise<readonly NatRule[] | undefined>,
): Promise<ReadonlyMap<string, readonly NatRule[]>> {
  const chains = new Map<string, readonly NatRule[]>();
  const waiting = rules.flatMap(({ calls }) => calls);
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    if (chains.has(name)) continue;
    if (name === reading.chain || concernsServicesOnly({ chain: name })) {
      chains.set(name, []);
      continue;
    }
    if (reading.chainsLeft-- <= 0) break;
    const found = await readChain(name);
    if (!found) continue;
    chains.set(name, found);
    waiting.push(...found.flatMap(({ calls }) => calls));
  }
  return chains;
}

async function runNft({ runner, signal }: Reading, args: readonly string[]): Promise<string> {
  const outcome = await runner.run({ tool: 'nft', args, signal });
  if (outcome.exitCode !== 0) throw nftError(outcome, '');
  return outcome.stdout;
}
