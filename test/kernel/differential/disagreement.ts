import type { Policy } from '../../../src/policy/policy.ts';
import { configFlags, configText } from '../../generators/config-text.ts';
import { naiveDecision } from '../../generators/naive-decision.ts';
import type { PlainPolicy } from '../../generators/plain-policy.ts';
import { simplest } from '../../generators/variations.ts';
import type { Candidate } from '../candidate.ts';
import type { Verdict } from '../harness/probe.ts';
import type { TestBed } from '../harness/test-bed.ts';
import type { PlannedFlow } from './flow.ts';
import { load } from './loading.ts';

/** A flow of which the kernel and the model say different things. */
export interface Disagreement {
  readonly planned: PlannedFlow;
  readonly seen: Verdict | undefined;
}

/** Puts the policy into the kernel and gives the flows that it judges otherwise than the model. */
export async function disagreements(
  { backend, bed }: Candidate,
  plain: PlainPolicy,
  policy: Policy,
  flows: readonly PlannedFlow[],
): Promise<Disagreement[]> {
  await backend.apply(policy);
  return disagreementsNow(bed, plain, flows);
}

/** Gives the flows that the rules in the kernel judge otherwise than the model. */
export async function disagreementsNow(
  bed: TestBed,
  plain: PlainPolicy,
  flows: readonly PlannedFlow[],
): Promise<Disagreement[]> {
  const found = await tryFlows(bed, plain, flows);
  // On a busy machine a packet may get lost once; what the rules lose, they lose again.
  const lost = found.filter(({ seen }) => seen?.verdict === 'lost').map(({ planned }) => planned);
  return [...found.filter(({ seen }) => seen?.verdict !== 'lost'), ...(await tryFlows(bed, plain, lost))];
}

async function tryFlows(bed: TestBed, plain: PlainPolicy, flows: readonly PlannedFlow[]): Promise<Disagreement[]> {
  const verdicts = await bed.probe(flows.map(({ flow }) => flow));
  return flows.flatMap((planned, index) => {
    const seen = verdicts[index];
    return agrees(plain, planned, seen) ? [] : [{ planned, seen }];
  });
}

function agrees(plain: PlainPolicy, planned: PlannedFlow, seen: Verdict | undefined): boolean {
  const { verdict } = naiveDecision(plain, planned, planned.isLocal);
  if (seen?.verdict !== verdict) return false;
  if (verdict === 'keep') return true;
  const isAnyPortRight = planned.flow.protocol === 'icmp' || plain.toPorts.length === 0;
  const isPortRight = plain.toPorts.some(({ first, last }) => seen.port >= first && seen.port <= last);
  return seen.address === planned.masqueradeAddress && (isAnyPortRight || isPortRight);
}

/** Everything that is needed to look into a disagreement, with the simplest policy that still shows it. */
export async function describeDisagreement(
  candidate: Candidate,
  plain: PlainPolicy,
  { planned, seen: firstSeen }: Disagreement,
): Promise<string> {
  const { directory } = candidate.bed;
  let seen = firstSeen;
  const simple = await simplest(plain, async (simpler) => {
    const { policy } = await load(simpler, directory);
    const [found] = await disagreements(candidate, simpler, policy, [planned]);
    if (found) seen = found.seen;
    return found !== undefined;
  });
  const { policy } = await load(simple, directory);
  const expected = naiveDecision(simple, planned, planned.isLocal);
  return [
    `${candidate.backend.name} disagrees with the model`,
    `flow: ${JSON.stringify(planned.flow)}`,
    `expected: ${JSON.stringify(expected)}, the address of a masquerade: ${planned.masqueradeAddress}`,
    `seen: ${JSON.stringify(seen)}`,
    `flags: ${configFlags(simple).join(' ')}`,
    `config:\n${configText(simple).text}`,
    ...candidate.backend.render(policy).map(({ command, text }) => `${command.join(' ')}:\n${text}`),
  ].join('\n');
}
