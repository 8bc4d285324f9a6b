import type { BackendName } from '../../../src/backends/backend.ts';
import type { Round, Step } from './plan.ts';
import type { Scene } from './scene.ts';

const roundsTold = 2;

/** One line: what happened, how often, under how many connections, and what came of it. */
export function summaryOf(name: BackendName, seed: number, rounds: readonly Round[], scene: Scene): string {
  const kinds = new Map<string, number>();
  for (const { steps } of rounds) for (const { kind } of steps) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  const { injuries, ledger, agent } = scene;
  const { judged, judgedWithoutExcuse, excused, unexcused } = ledger;
  return [
    `chaos, seed ${seed}, ${name}: ${rounds.length} rounds`,
    [...kinds].map(([kind, count]) => `${kind}: ${count}`).join(', '),
    `${injuries.took} foreign commands took, ${injuries.missed} did not`,
    `${agent.starts} agents`,
    `${judged} connections, ${judgedWithoutExcuse} of them without an excuse`,
    `excused: ${excused.leaked} leaked, ${excused.caught} caught`,
    `not excused: ${unexcused.leaked} leaked, ${unexcused.caught} caught`,
  ].join('; ');
}

/** What led to a failure: the steps of the last rounds as they were planned, and what the agent printed. */
export function storyOf(rounds: readonly Round[], { agent }: Scene): string {
  const last = rounds.slice(-roundsTold).map(({ steps }, index, told) => {
    const number = rounds.length - told.length + index + 1;
    return [`round ${number}:`, ...steps.map(describeStep)].join('\n');
  });
  return [...last, 'the last that agents printed:', agent.output].join('\n');
}

function describeStep({ atMs, kind, ...details }: Step): string {
  return `  at ${atMs} ms: ${kind} ${JSON.stringify(details)}`;
}
