import { monotonicMs } from '../../clock.ts';
import { AgentError, codeOf } from '../../errors.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Runner } from '../../system/run.ts';
import type { Backend, Observation, Probe, Transaction } from '../backend.ts';
import { nftError } from './failure.ts';
import { expectedListing, type Finding, type Installation, planInstallation } from './installation.ts';
import { compareListings } from './listing.ts';
import { table } from './names.ts';
import { probePolicy } from './probe-policy.ts';
import { buildRuleset, nameFreely, type Ruleset } from './ruleset.ts';
import { absent, look, write } from './table-access.ts';

export interface NftBackendOptions {
  readonly runner: Runner;
}

/** One installation, or three where damage has to be gone round; others that change the table meanwhile may make it more. */
const mostInstallations = 6;

/** A listing that was taken ahead is good for so long: no longer than passes and listings take anyway. */
const openingLastsMs = 1_000;

/**
 * The native nftables backend: one table, one lookup per list.
 *
 * Every change of the kernel is the same three steps, whatever was there before: fill sets and chains that nothing
 * refers to; switch the base chain to them in one transaction of rules only; sweep what is no longer referred to.
 * So each packet is judged by the whole old policy or by the whole new one.
 */
export function createNftBackend({ runner }: NftBackendOptions): Backend {
  /** What observations were made of, for an apply() that follows. */
  const findings = new WeakMap<Observation, Finding>();
  /** A look that is taken while nft checks whether it works here, so that the first observe() need not wait for it. */
  let opening: { readonly at: number; readonly finding: Promise<Finding | undefined> } | undefined;

  /** What the table held when it was last read to be right: good enough to plan from, since what comes of it is read back. */
  let last: Finding | undefined;

  return {
    name: 'nft',
    probe(signal) {
      // The check first: it takes longer.
      const probed = probe(runner, signal);
      opening = { at: monotonicMs(), finding: look(runner, { isTerse: true }, signal).catch(() => undefined) };
      return probed;
    },
    render: (policy) => transactionsOf(planInstallation(policy, buildRuleset(policy), absent)),
    async apply(policy, signal, observed) {
      const known = observed ? findings.get(observed) : last;
      last = undefined;
      last = await apply({ runner }, policy, known, signal);
    },
    async observe(policy, signal) {
      const isFresh = opening !== undefined && monotonicMs() - opening.at < openingLastsMs;
      const known = isFresh ? await opening?.finding : undefined;
      opening = undefined;
      const terse = known ?? (await look(runner, { isTerse: true }, signal));
      const { finding, differences } = await compare(runner, buildRuleset(policy), terse, signal);
      const state = differences.length === 0 ? 'in-sync' : finding === absent ? 'absent' : 'drifted';
      const observation: Observation = { state, differences };
      findings.set(observation, finding);
      return observation;
    },
    cleanup(signal) {
      last = undefined;
      return cleanup(runner, signal);
    },
  };
}

function transactionsOf({ fill, switchOver, sweep }: Installation): readonly Transaction[] {
  const command = ['nft', '-f', '-'] as const;
  const transactions: readonly Transaction[] = [
    { purpose: 'fill sets and chains that no rule refers to yet', command, text: fill },
    { purpose: 'switch to them, rules only', command, text: switchOver },
    { purpose: 'sweep what no rule refers to any more', command, text: sweep },
  ];
  return transactions.filter(({ text }) => text !== '');
}

/** Gives what the table holds then. */
async function apply(
  tools: NftBackendOptions,
  policy: Policy,
  known: Finding | undefined,
  signal?: AbortSignal,
): Promise<Finding> {
  // nft lists what is there, if that is not known already, while the new ruleset is made.
  const listing = known ?? look(tools.runner, { isTerse: true }, signal);
  const usual = buildRuleset(policy);
  let finding: Finding | undefined = await listing;
  for (let round = 0; finding !== undefined; round++) {
    if (round === mostInstallations) throw mismatch(['others changed it again and again meanwhile']);
    finding = await install(tools, policy, usual, finding, signal);
  }
  return { listing: expectedListing(usual, true), isTerse: true };
}

/** Takes the table one installation further. Gives what it holds then, unless that is the policy under its usual names. */
async function install(
  { runner }: NftBackendOptions,
  policy: Policy,
  usual: Ruleset,
  finding: Finding,
  signal?: AbortSignal,
): Promise<Finding | undefined> {
  const installation = planInstallation(policy, usual, finding);
  try {
    for (const { text } of transactionsOf(installation)) await write(runner, text, signal);
  } catch (error) {
    // A terse listing does not show what maps of somebody else refer to.
    if (!finding.isTerse || codeOf(error) !== 'RULESET_RACED') throw error;
    return look(runner, { isTerse: false }, signal);
  }
  if (!installation.isFinal) return look(runner, { isTerse: true }, signal);
  const after = comparison(usual, await look(runner, { isTerse: false }, signal));
  if (after.differences.length === 0) return undefined;
  // Nor does it show elements that were damaged before: those are still to be mended.
  if (finding.isTerse) return after.finding;
  throw mismatch(after.differences);
}

function mismatch(differences: readonly string[]): AgentError {
  const message = `the nft table does not hold what was just written: ${differences.join('; ')}`;
  return new AgentError('READ_BACK_MISMATCH', message);
}

/** What the kernel holds, and how that differs from a ruleset. */
interface Comparison {
  readonly finding: Finding;
  readonly differences: readonly string[];
}

/** Elements are listed only where nothing else is wrong: many of them take long, and a repair need not wait for them. */
async function compare(runner: Runner, ruleset: Ruleset, terse: Finding, signal?: AbortSignal): Promise<Comparison> {
  const outline = comparison(ruleset, terse);
  return outline.differences.length > 0 ? outline : comparison(ruleset, await look(runner, { isTerse: false }, signal));
}

function comparison(ruleset: Ruleset, finding: Finding): Comparison {
  const differences =
    finding === absent
      ? [`table ${table} is missing`]
      : compareListings(expectedListing(ruleset, finding.isTerse), finding.listing);
  return { finding, differences };
}

async function cleanup(runner: Runner, signal?: AbortSignal): Promise<readonly string[]> {
  if ((await look(runner, { isTerse: true }, signal)) === absent) return [];
  // "add" first makes the deletion succeed even if somebody else deletes the table at this moment.
  await write(runner, `add table ${table}\ndelete table ${table}\n`, signal);
  return [`nft table ${table}`];
}

nameFreely(probePolicy, 'probe');

/** Asks the kernel to check a small policy without committing it: proves binary, permission and kernel at once. */
async function probe(runner: Runner, signal?: AbortSignal): Promise<Probe> {
  const script = transactionsOf(planInstallation(probePolicy, buildRuleset(probePolicy), absent))
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
