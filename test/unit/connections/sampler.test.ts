import { describe, expect, it } from 'vitest';
import { Census } from '../../../src/connections/census.ts';
import { ticksOfChildren } from '../../../src/connections/cpu-time.ts';
import { type ConnectionSample, ConnectionSampler, waitAfter } from '../../../src/connections/sampler.ts';
import { AgentError } from '../../../src/errors.ts';

const report = new Census({ toPorts: [], portBudget: undefined }).report();

/** Runs so many looks, each of which costs so much CPU time, and gives how long was waited before each. */
async function sampled(looks: readonly (number | AgentError)[]) {
  const stop = new AbortController();
  const waits: number[] = [];
  const failures: string[] = [];
  const samples: ConnectionSample[] = [];
  let cpu = 0;
  const remaining = [...looks];
  const sampler = new ConnectionSampler({
    look: () => {
      const next = remaining.shift();
      if (next instanceof AgentError) return Promise.reject(next);
      cpu += next ?? 0;
      return Promise.resolve(report);
    },
    cpuTimeMs: () => Promise.resolve(cpu),
    onSample: (sample) => samples.push(sample),
    onFailure: ({ message }) => failures.push(message),
    stop: stop.signal,
    wait: (ms) => {
      if (remaining.length === 0) return Promise.reject(new Error('stopped'));
      waits.push(ms);
      return Promise.resolve();
    },
  });
  await sampler.run();
  return { waits, failures, samples };
}

describe('the sampler', () => {
  it('waits so long that it takes less than one hundredth of a core', async () => {
    const { waits } = await sampled([20, 1_200, 90_000, 0]);
    expect(waits).toEqual([60_000, 60_000, 242_000, 18_002_000]);
    for (const cpuMs of [0, 10, 1_000, 100_000]) expect(cpuMs / waitAfter(cpuMs)).toBeLessThan(0.01);
  });

  it('gives each look and what it took', async () => {
    const { samples } = await sampled([20, 30]);
    expect(samples).toEqual([
      { report, cpuMs: 20 },
      { report, cpuMs: 30 },
    ]);
  });

  it('tells a failure once until it is over', async () => {
    const missing = new AgentError('TOOL_MISSING', 'no conntrack');
    const { failures, samples } = await sampled([10, missing, missing]);
    expect(failures).toEqual(['no conntrack']);
    expect(samples).toHaveLength(1);
    expect((await sampled([missing, 10, missing])).failures).toHaveLength(2);
  });
});

it('the time of children stands after a name that may hold anything', () => {
  const stat = '7 (a) b (c) S 1 7 7 0 -1 4194304 1 2 0 0 3 4 50 60 20 0 11 0 100';
  expect(ticksOfChildren(stat)).toBe(110);
  expect(ticksOfChildren('')).toBe(0);
});
