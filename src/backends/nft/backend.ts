import { AgentError, codeOf } from '../../errors.ts';
import { linkLocal } from '../../policy/decide.ts';
import { emptyFamilyPolicy, type Policy } from '../../policy/policy.ts';
import type { Runner } from '../../system/run.ts';
import type { Backend, Observation, Probe, Transaction } from '../backend.ts';
import { type DesiredTable, desiredTable } from './desired.ts';
import { nftError } from './failure.ts';
import { ActualTable, absentTable, diffListings, listingOf } from './listing.ts';
import { table } from './names.ts';
import { type Plan, plan } from './plan.ts';
import { createKernelTable, type KernelTable } from './table.ts';

/** One as a rule; three where a damaged set in use has to be replaced; more where others change the table meanwhile. */
const mostPlans = 6;

/**
 * The native nftables backend: one table, one lookup per list.
 *
 * Every change of the kernel is the same three steps, whatever was there before: fill sets and chains that nothing
 * refers to; switch the base chain to them, rules only; sweep what is no longer referred to. So each packet is judged
 * by the whole old policy or by the whole new one.
 */
export function createNftBackend({ runner }: { readonly runner: Runner }): Backend {
  const kernel = createKernelTable(runner);
  /** The table as it was last seen to be right: good enough to plan from, since what comes of it is read back. */
  let lastVerified: ActualTable | undefined;

  return {
    name: 'nft',
    probe: (signal) => probe(runner, signal),
    render: (policy) => transactionsOf(plan(desiredTable(policy), absentTable)),
    async apply(policy, signal, observed) {
      const desired = desiredTable(policy);
      const known = observed?.actual instanceof ActualTable ? observed.actual : lastVerified;
      lastVerified = undefined;
      await converge(kernel, desired, known ?? (await kernel.read({ isTerse: true }, signal)), signal);
      lastVerified = new ActualTable(listingOf(desired, { isTerse: true }), { isTerse: true });
    },
    observe: (policy, signal) => observe(kernel, desiredTable(policy), signal),
    async cleanup(signal) {
      lastVerified = undefined;
      return cleanup(kernel, signal);
    },
  };
}

function transactionsOf(steps: Pick<Plan, 'fill' | 'switch' | 'sweep'>): readonly Transaction[] {
  const command = ['nft', '-f', '-'] as const;
  const transactions: readonly Transaction[] = [
    { purpose: 'fill sets and chains that no rule refers to yet', command, text: steps.fill },
    { purpose: 'switch to them, rules only', command, text: steps.switch },
    { purpose: 'sweep what no rule refers to any more', command, text: steps.sweep },
  ];
  return transactions.filter(({ text }) => text !== '');
}

/** Takes the table from what it holds to what it should hold, and reads it back. Throws AgentError. */
async function converge(kernel: KernelTable, desired: DesiredTable, from: ActualTable, signal?: AbortSignal) {
  let actual = from;
  for (let round = 0; round < mostPlans; round++) {
    refuseOwned(actual);
    const step = plan(desired, actual);
    try {
      await carryOut(kernel, step, signal);
    } catch (error) {
      // A terse listing does not show what maps of somebody else refer to.
      if (!actual.isTerse || codeOf(error) !== 'RULESET_RACED') throw error;
      actual = await kernel.read({ isTerse: false }, signal);
      continue;
    }
    const { isTerse } = actual;
    actual = await kernel.read({ isTerse: !step.isFinal }, signal);
    if (!step.isFinal) continue;
    const differences = differencesOf(desired, actual);
    if (differences.length === 0) return;
    // A terse listing did not show elements that were damaged before: plan once more, from this full one.
    if (!isTerse) throw mismatch(differences);
  }
  throw mismatch(['others changed it again and again meanwhile']);
}

/** The switch and the sweep are one transaction, which saves a run of nft; where that fails, the switch comes first, alone. */
async function carryOut(kernel: KernelTable, step: Plan, signal?: AbortSignal): Promise<void> {
  await kernel.write(step.fill, signal);
  if (step.needsRemovalInJson) {
    await kernel.write(step.switch, signal);
    await kernel.removeAllBut(step.keep, signal);
    return;
  }
  try {
    await kernel.write(step.switch + step.sweep, signal);
  } catch (error) {
    if (step.switch === '' || step.sweep === '' || codeOf(error) === 'ABORTED') throw error;
    await kernel.write(step.switch, signal);
    await kernel.write(step.sweep, signal);
  }
}

/** Only the owner of a table may change it, whoever else is root. */
function refuseOwned({ owner }: ActualTable): void {
  if (owner === undefined) return;
  throw new AgentError('TABLE_OWNED', `nft: table ${table} is owned by another process (flags owner): ${owner}`);
}

function mismatch(differences: readonly string[]): AgentError {
  const message = `the nft table does not hold what was just written: ${differences.join('; ')}`;
  return new AgentError('READ_BACK_MISMATCH', message);
}

/** Elements are read only where nothing else is wrong: many of them take long, and a repair need not wait for them. */
async function observe(kernel: KernelTable, desired: DesiredTable, signal?: AbortSignal): Promise<Observation> {
  let actual = await kernel.read({ isTerse: true }, signal);
  let differences = differencesOf(desired, actual);
  if (differences.length === 0) {
    actual = await kernel.read({ isTerse: false }, signal);
    differences = differencesOf(desired, actual);
  }
  const state = differences.length === 0 ? 'in-sync' : actual.exists ? 'drifted' : 'absent';
  return { state, differences, actual };
}

function differencesOf(desired: DesiredTable, actual: ActualTable): readonly string[] {
  if (!actual.exists) return [`table ${table} is missing`];
  return diffListings(listingOf(desired, actual), actual.listing);
}

async function cleanup(kernel: KernelTable, signal?: AbortSignal): Promise<readonly string[]> {
  const actual = await kernel.read({ isTerse: true }, signal);
  if (!actual.exists) return [];
  refuseOwned(actual);
  // "add" first makes the deletion succeed even if somebody else deletes the table at this moment.
  await kernel.write(`add table ${table}\ndelete table ${table}\n`, signal);
  return [`nft table ${table}`];
}

/** The smallest policy that uses every kernel feature which any policy needs: inet NAT, fib, interval sets, counters. */
const probePolicy: Policy = {
  ipv4: {
    ...emptyFamilyPolicy('ipv4'),
    keepDestinations: [{ cidr: linkLocal.ipv4, source: 'default' }],
  },
  ipv6: { ...emptyFamilyPolicy('ipv6'), enabled: false },
  randomFully: true,
  toPorts: [],
  idleOutputs: [],
};

/** Asks the kernel to check a small policy without committing it: proves binary, permission and kernel at once. */
async function probe(runner: Runner, signal?: AbortSignal): Promise<Probe> {
  const script = transactionsOf(plan(desiredTable(probePolicy), absentTable))
    .map(({ text }) => text)
    .join('')
    .replaceAll(table, `${table}-probe`);
  try {
    const outcome = await runner.run({ tool: 'nft', args: ['--check', '-f', '-'], input: script, signal });
    if (outcome.exitCode === 0) return { usable: true, reason: 'nft --check accepts the rules on this kernel' };
    return { usable: false, reason: nftError(outcome, script).message };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const { code, message, advice } = error;
    return { usable: false, reason: code === 'TOOL_CRASHED' ? `${message} (${advice})` : message };
  }
}
