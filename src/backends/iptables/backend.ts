import { families } from '../../net/family.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Runner } from '../../system/run.ts';
import { unlessUnsupported } from '../attempt.ts';
import type { Backend, BackendName, Observation, Transaction } from '../backend.ts';
import { converge, readState } from './converge.ts';
import { desiredChains } from './desired.ts';
import { differences } from './diff.ts';
import { eachFamily, valuesOf } from './families.ts';
import { type Flavour, toolsOf } from './names.ts';
import {
  createNatTable,
  type NatTable,
  type ReadLegacyTables,
  readLegacyTables,
  restoreArguments,
} from './nat-table.ts';
import { probeFlavour } from './probe.ts';
import { describeOwnRules, findNamedRules, findOwnRules, noRules, removeOwnRules } from './removal.ts';
import { emptyState, renderRestore } from './render.ts';

export interface IptablesBackendOptions {
  readonly flavour: Flavour;
  /** --masq-chain. */
  readonly chain: string;
  readonly runner: Runner;
  readonly readLegacyTables?: ReadLegacyTables;
}

/**
 * The compatibility mode: upstream's chain, jump and rules through iptables-restore, in either flavour of the tools.
 *
 * The families are independent: each is tried whatever becomes of the other, and the errors are told together.
 */
export function createIptablesBackend(options: IptablesBackendOptions): Backend {
  const { flavour, chain } = options;
  const effects = { readLegacyTables, ...options };
  const name: BackendName = `iptables-${flavour}`;
  const tables = families.map((family) => createNatTable({ ...effects, family }));
  return {
    name,
    probe: (signal) => probeFlavour({ ...effects, signal }),
    render: (policy) => render(policy, flavour, chain),
    apply: (policy, signal) => apply(tables, policy, chain, signal),
    observe: (policy, signal) => observe(tables, policy, chain, signal),
    cleanup: (signal) => cleanup(tables, name, chain, signal),
  };
}

function render(policy: Policy, flavour: Flavour, chain: string): readonly Transaction[] {
  return families
    .filter((family) => policy[family].enabled)
    .map((family) => ({
      purpose: `nat rules for ${family}`,
      command: [toolsOf(flavour, family).restore, ...restoreArguments],
      text: renderRestore(desiredChains(policy[family], policy, chain), emptyState),
    }));
}

async function apply(tables: readonly NatTable[], policy: Policy, chain: string, signal?: AbortSignal): Promise<void> {
  const results = await eachFamily(tables, async (table) => {
    const familyPolicy = policy[table.family];
    if (familyPolicy.enabled) return converge(table, desiredChains(familyPolicy, policy, chain), chain, signal);
    const own = await unlessUnsupported(findNamedRules(table, chain, signal), noRules);
    return removeOwnRules(table, own, signal);
  });
  valuesOf(results);
}

/** What one family holds, compared with the policy. */
interface FamilyObservation {
  readonly present: boolean;
  readonly differences: readonly string[];
}

async function observe(
  tables: readonly NatTable[],
  policy: Policy,
  chain: string,
  signal?: AbortSignal,
): Promise<Observation> {
  const results = await eachFamily(tables, (table) => observeFamily(table, policy, chain, signal));
  // A family that can't be read must not hide the drift of the other: the write that follows mends one, and fails for
  // the other.
  if (!results.some((result) => 'value' in result && policy[result.family].enabled)) valuesOf(results);
  const found = results.flatMap((result) =>
    'value' in result
      ? result.value.differences.map((difference) => `${result.family}: ${difference}`)
      : [`${result.family}: ${result.error.message}`],
  );
  const present = results.some((result) => 'error' in result || result.value.present);
  return { state: found.length === 0 ? 'in-sync' : present ? 'drifted' : 'absent', differences: found };
}

async function observeFamily(
  table: NatTable,
  policy: Policy,
  chain: string,
  signal?: AbortSignal,
): Promise<FamilyObservation> {
  const familyPolicy = policy[table.family];
  if (!familyPolicy.enabled) {
    const own = await unlessUnsupported(findNamedRules(table, chain, signal), noRules);
    const extra = describeOwnRules(own).map((what) => `${what} is there, though ${table.family} is off`);
    return { present: extra.length > 0, differences: extra };
  }
  const desired = desiredChains(familyPolicy, policy, chain);
  // Helper chains of no use are left to the next write: no packet can meet them.
  const state = await readState(
    table,
    chain,
    desired.chains.map(({ name }) => name),
    signal,
  );
  const present = state.chains.size > 0 || state.jumps.right.length + state.jumps.wrong.length > 0;
  return { present, differences: differences(desired, state) };
}

async function cleanup(
  tables: readonly NatTable[],
  name: BackendName,
  chain: string,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const results = await eachFamily(tables, async (table) => {
    const own = await unlessUnsupported(findOwnRules(table, chain, undefined, signal), noRules);
    await removeOwnRules(table, own, signal);
    return describeOwnRules(own).map((what) => `${name} ${table.family}: ${what}`);
  });
  return valuesOf(results).flat();
}
