import { afterEach, expect, it } from 'vitest';
import { backendNames, type Candidate, createCandidate } from './candidate.ts';
import { patiently } from './chaos/patience.ts';
import { planRounds, type Round } from './chaos/plan.ts';
import { becomeQuiet } from './chaos/quiet.ts';
import { storyOf, summaryOf } from './chaos/report.ts';
import { createScene } from './chaos/scene.ts';
import { rage } from './chaos/storm.ts';
import { describeKernel } from './harness/describe-kernel.ts';

/** `CHAOS_SEED=… CHAOS_SECONDS=…` repeat a run, or make a longer one. */
const seed = Number(process.env['CHAOS_SEED'] ?? Date.now() % 2 ** 31);
/** For each backend; the round that is under way then is finished, and one of each sort happens in any case. */
const seconds = Number(process.env['CHAOS_SECONDS'] ?? 10);
const fewestRounds = 2;
/** New connections a second. */
const rate = Number(process.env['CHAOS_RATE'] ?? 5_000);

describeKernel('an agent that everything happens to', () => {
  let candidate: Candidate | undefined;
  afterEach(() => candidate?.bed.close());

  it.each(backendNames)(
    `keeps %s right whenever it is left alone, and leaks only while injured (seed ${seed})`,
    async (name) => {
      candidate = await createCandidate(name);
      const scene = await createScene(candidate, rate);
      const { agent, flood, ledger } = scene;
      const rounds: Round[] = [];
      const until = performance.now() + seconds * 1_000;
      try {
        for (const round of planRounds(name, seed, seconds)) {
          rounds.push(round);
          await rage(scene, round.steps);
          await becomeQuiet(scene, round.aims);
          await ledger.settle();
          if (performance.now() > until && rounds.length >= fewestRounds) break;
        }
        expect(await patiently('ending the agent', agent.stop())).toEqual({ code: 0, signal: null });
        await ledger.settle();
        await flood.stop();
      } catch (error) {
        throw new Error(`${String(error)}\n${storyOf(rounds, scene)}`, { cause: error });
      } finally {
        process.stdout.write(`${summaryOf(name, seed, rounds, scene)}\n`);
      }
      // A quarter of the rate: a slow machine sends fewer.
      expect(ledger.judged).toBeGreaterThan((seconds * rate) / 4);
      expect(ledger.judgedWithoutExcuse).toBeGreaterThan(0);
    },
    seconds * 1_000 + 150_000,
  );
});
