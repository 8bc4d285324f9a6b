import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stepCount } from '../../src/policy/decide.ts';
import { policies } from '../generators/policies.ts';
import { backendNames, type Candidate, createCandidate } from './candidate.ts';
import { describeDisagreement, disagreements } from './differential/disagreement.ts';
import { expectedExplanation, explainOnNode, explanationOf } from './differential/explanations.ts';
import { flowAims, planFlow } from './differential/flow.ts';
import { load } from './differential/loading.ts';
import { describeKernel } from './harness/describe-kernel.ts';

/** `DIFFERENTIAL_SEED=… DIFFERENTIAL_POLICIES=…` repeat a run, or make a longer one. */
const seed = Number(process.env['DIFFERENTIAL_SEED'] ?? Date.now() % 2 ** 31);
const policyCount = Number(process.env['DIFFERENTIAL_POLICIES'] ?? 60);
const aimsPerPolicy = 240;
/** Some aims are addresses that no socket can use. */
const leastFlowsPerPolicy = 170;
/** The command line is asked about one flow of every third policy: it takes a process each. */
const policiesPerCommand = 3;

const cases = fc.tuple(policies, fc.array(flowAims, { minLength: aimsPerPolicy, maxLength: aimsPerPolicy }));

describeKernel('model, explanation and kernel', () => {
  let candidates: Candidate[];
  beforeAll(async () => {
    candidates = await Promise.all(backendNames.map((name) => createCandidate(name)));
  });
  afterAll(() => Promise.all(candidates.map(({ bed }) => bed.close())));

  it(
    `agree on every packet of ${policyCount} random policies, under every backend (seed ${seed})`,
    async () => {
      const { directory, node } = required(candidates[0]).bed;
      const steps = new Map<number, number>();
      for (const [round, [plain, aims]] of fc.sample(cases, { seed, numRuns: policyCount }).entries()) {
        const flows = aims.map((aim) => planFlow(plain, aim)).filter((planned) => planned !== undefined);
        const loaded = await load(plain, directory);
        for (const planned of flows) {
          const explanation = explanationOf(loaded, planned);
          expect(explanation).toMatchObject(expectedExplanation(plain, loaded.file, planned));
          steps.set(explanation.step, (steps.get(explanation.step) ?? 0) + 1);
        }
        if (round % policiesPerCommand === 0) {
          const planned = required(flows[0]);
          const printed = await explainOnNode(node, loaded.file, plain, planned);
          expect(printed).toEqual(explanationOf(loaded, planned));
        }
        await Promise.all(
          candidates.map(async (candidate) => {
            const [first] = await disagreements(candidate, plain, loaded.policy, flows);
            if (first) throw new Error(await describeDisagreement(candidate, plain, first));
          }),
        );
      }
      const packets = [...steps.values()].reduce((sum, count) => sum + count, 0);
      const counts = [...steps].sort(([one], [other]) => one - other).map(([step, count]) => `${step}: ${count}`);
      process.stdout.write(`seed ${seed}: ${packets} packets under each backend; by step ${counts.join(', ')}\n`);
      expect(packets).toBeGreaterThanOrEqual(policyCount * leastFlowsPerPolicy);
      for (let step = 1; step <= stepCount; step++) expect(steps.get(step)).toBeGreaterThan(packets / 200);
    },
    60_000 + policyCount * 5_000,
  );
});

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('there is none');
  return value;
}
