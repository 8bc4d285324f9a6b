import { AgentError } from '../../errors.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Outcome, Runner } from '../../system/runner.ts';
import type { Backend, Observation, Probe, Transaction } from '../backend.ts';
import { isAbsent, nftError } from './failure.ts';
import { compareListings, type Listing, parseListing, tableOf } from './listing.ts';
import { baseChain, baseChainHead, policyChain, table } from './names.ts';
import { probePolicy } from './probe-policy.ts';
import { renderFill, renderSwitch, renderTable } from './render.ts';
import { buildRuleset, chainNames, namedRuleset, type Ruleset } from './ruleset.ts';
import { isLive, renderBaseChainRemoval, renderStaleRemoval, renderSweep } from './table-state.ts';

/**
 * The native nftables backend: one table, one lookup per list.
 *
 * Every change of the kernel is the same three steps, whatever was there before: fill sets and chains that nothing
 * refers to; switch the base chain to them in one transaction of rules only; sweep what is no longer referred to.
 * So each packet is judged by the whole old policy or by the whole new one.
 */
export function createNftBackend({ runner }: { runner: Runner }): Backend {
  return {
    name: 'nft',
    probe: (signal) => probe(runner, signal),
    render: (policy) => transactionsFor(buildRuleset(policy)),
    apply: (policy, signal, observed) => apply(runner, policy, observed, signal),
    observe: (policy, signal, depth) => (depth === 'quick' ? glance : observe)(runner, policy, signal),
    cleanup: (signal) => cleanup(runner, signal),
  };
}

function transactionsFor(ruleset: Ruleset): readonly [fill: Transaction, switchOver: Transaction] {
  const command = ['nft', '-f', '-'] as const;
  return [
    { purpose: 'fill sets and chains that no rule refers to yet', command, text: renderFill(ruleset) },
    { purpose: 'switch to them, rules only', command, text: renderSwitch(ruleset) },
  ];
}

async function apply(
  runner: Runner,
  policy: Policy,
  observed: Observation | undefined,
  signal?: AbortSignal,
): Promise<void> {
  // nft lists what is there, if that is not known already, while the new ruleset is made.
  const listing = observed?.state === 'absent' ? undefined : list(runner, { terse: true }, signal);
  const ruleset = buildRuleset(policy);
  const before = await listing;
  if (before && isLive(before, policyChain(ruleset.suffix))) {
    const { state } = observed ?? (await observe(runner, policy, signal));
    if (state === 'in-sync') return;
    // The right rules are live but damaged: they can't be filled anew under the names that packets look up just now.
    await install(runner, buildRuleset(policy, 'spare'), before, signal);
    await install(runner, ruleset, (await list(runner, { terse: true }, signal)) ?? new Map(), signal);
  } else {
    await install(runner, ruleset, before ?? new Map(), signal);
  }
  const after = await observe(runner, policy, signal);
  if (after.state !== 'in-sync') {
    throw new AgentError(
      'READ_BACK_MISMATCH',
      `the nft table does not hold what was just written: ${after.differences.join('; ')}`,
    );
  }
}

async function install(runner: Runner, ruleset: Ruleset, before: Listing, signal?: AbortSignal): Promise<void> {
  const [fill, switchOver] = transactionsFor(ruleset);
  await write(runner, renderStaleRemoval(before, ruleset) + fill.text, signal);
  await write(runner, renderBaseChainRemoval(before) + switchOver.text, signal);
  const sweep = renderSweep(before, ruleset);
  if (sweep) await write(runner, sweep, signal);
}

async function observe(runner: Runner, policy: Policy, signal?: AbortSignal): Promise<Observation> {
  const actual = await list(runner, { terse: false }, signal);
  if (!actual) return { state: 'absent', differences: [`table ${table} is missing`] };
  const differences = compareListings(parseListing(renderTable(buildRuleset(policy))), actual);
  return { state: differences.length === 0 ? 'in-sync' : 'drifted', differences };
}

/**
 * Looks at names only, which costs the same for any number of elements: the chains' names carry the policy's hash, and
 * the base chain shows its hook. Sees a table that is gone or another's, but no rule and no element.
 */
async function glance(runner: Runner, policy: Policy, signal?: AbortSignal): Promise<Observation> {
  const args = ['list', 'chains', 'inet'];
  const { stdout } = succeeded(await runner.run({ tool: 'nft', args, signal }), args.join(' '));
  const actual = parseListing(tableOf(stdout));
  const expected = new Map(chainNames(policy).map((name) => [`chain ${name}`, '']));
  expected.set(`chain ${baseChain}`, baseChainHead);
  const differences = compareListings(expected, actual);
  if (actual.size === 0) return { state: 'absent', differences: [`table ${table} is missing`] };
  return { state: differences.length === 0 ? 'in-sync' : 'drifted', differences };
}

async function cleanup(runner: Runner, signal?: AbortSignal): Promise<readonly string[]> {
  if (!(await list(runner, { terse: true }, signal))) return [];
  // "add" first makes the deletion succeed even if somebody else deletes the table at this moment.
  await write(runner, `add table ${table}\ndelete table ${table}\n`, signal);
  return [`nft table ${table}`];
}

/** Asks the kernel to check a small policy without committing it: proves binary, permission and kernel at once. */
async function probe(runner: Runner, signal?: AbortSignal): Promise<Probe> {
  const script = transactionsFor(namedRuleset(probePolicy, 'probe'))
    .map(({ text }) => text)
    .join('')
    .replaceAll(table, `${table}-probe`);
  try {
    const outcome = await runner.run({ tool: 'nft', args: ['--check', '-f', '-'], input: script, signal });
    if (outcome.exitCode === 0) return { usable: true, reason: 'nft --check accepts the rules on this kernel' };
    return { usable: false, reason: nftError(outcome, script).message };
  } catch (error) {
    if (error instanceof AgentError) return { usable: false, reason: error.message };
    throw error;
  }
}

/** What the table holds, or undefined where there is none. A terse listing leaves out the elements of sets. */
async function list(runner: Runner, { terse }: { terse: boolean }, signal?: AbortSignal): Promise<Listing | undefined> {
  const args = [...(terse ? ['-t'] : []), '-s', 'list', 'table', ...table.split(' ')];
  const outcome = await runner.run({ tool: 'nft', args, signal });
  if (isAbsent(outcome)) return undefined;
  return parseListing(succeeded(outcome, args.join(' ')).stdout);
}

/** One atomic transaction. It is never cut short: a signal to stop takes effect before it starts. */
async function write(runner: Runner, script: string, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted)
    throw new AgentError('ABORTED', 'stopped before the next transaction; the rules in the kernel are whole');
  succeeded(await runner.run({ tool: 'nft', args: ['-f', '-'], input: script }), script);
}

function succeeded(outcome: Outcome, script: string): Outcome {
  if (outcome.exitCode !== 0) throw nftError(outcome, script);
  return outcome;
}
