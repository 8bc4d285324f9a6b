import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend } from '../../../src/backends/backend.ts';
import { disagreementsNow } from '../differential/disagreement.ts';
import { type FlowAim, planFlow } from '../differential/flow.ts';
import type { TestBed } from '../harness/test-bed.ts';
import type { AgentKeeper } from './agent-keeper.ts';
import type { Candidate, ConfigKeeper } from './config-keeper.ts';
import { patienceMs, patiently } from './patience.ts';

const lookAgainMs = 100;
/** What was judged before has arrived, and been counted, long before. */
const settleMs = 300;

export interface Quiet {
  readonly backend: Backend;
  readonly bed: TestBed;
  readonly agent: AgentKeeper;
  readonly config: ConfigKeeper;
}

/** Waits until the kernel holds the policy of the last good config, and judges connections by it. */
export async function becomeQuiet({ backend, bed, agent, config }: Quiet, aims: readonly FlowAim[]): Promise<void> {
  const deadline = performance.now() + patienceMs;
  const candidates = await config.candidates();
  await patiently('starting an agent that reads its config', agent.settled());
  for (;;) {
    const found = await findInSync(backend, candidates);
    if ('candidate' in found) {
      const wrong = await wrongVerdicts(bed, found.candidate, aims);
      // A change while the probes were under way excuses them.
      if ('candidate' in (await findInSync(backend, [found.candidate]))) {
        if (wrong) throw new Error(`the kernel holds the policy, but judges otherwise: ${wrong}`);
        config.settled(found.candidate);
        await sleep(settleMs);
        return;
      }
    } else if (performance.now() > deadline) {
      throw new Error(`the kernel does not hold the policy of the last good config: ${found.differences}`);
    }
    await sleep(lookAgainMs);
  }
}

async function findInSync(
  backend: Backend,
  candidates: readonly Candidate[],
): Promise<{ candidate: Candidate } | { differences: string }> {
  let differences = 'there is none';
  for (const candidate of candidates.toReversed()) {
    const observation = await backend.observe(candidate.policy);
    if (observation.state === 'in-sync') return { candidate };
    differences = observation.differences.join('; ');
  }
  return { differences };
}

async function wrongVerdicts(
  bed: TestBed,
  { plain }: Candidate,
  aims: readonly FlowAim[],
): Promise<string | undefined> {
  const flows = aims.map((aim) => planFlow(plain, aim)).filter((planned) => planned !== undefined);
  const [first] = await disagreementsNow(bed, plain, flows);
  return first && `${JSON.stringify(first.planned.flow)} ${JSON.stringify(first.seen)}`;
}
