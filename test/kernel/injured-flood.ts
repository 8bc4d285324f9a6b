import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentProcess } from './harness/agent-process.ts';
import type { Flood, FloodCounts } from './harness/flood/flood.ts';

/** What an injury of the rules and its repair came to. */
export interface Repair {
  readonly injury: string;
  /** The agent's word that it has repaired the rules. */
  readonly text: string;
  /** How long that took from the end of the injuring command. */
  readonly repairMs: number;
  /** Reconciles that ended before it and found nothing wrong: one may have been under way. */
  readonly overlooked: number;
  /** Connections judged wrongly until then. */
  readonly wrong: number;
  /** How long that was so, by their share among all. */
  readonly wrongMs: number;
  /** Connections judged wrongly after it, or before the injury. */
  readonly wrongElse: number;
  /** Connections judged rightly after it. */
  readonly rightAfter: number;
}

/** What the agent had on its way when it said that it was done has arrived long before. */
const settleMs = 50;
/** New connections after each repair show that it was one. */
const afterMs = 150;
const mostTries = 20;

/** A flood during which rules are hurt and an agent repairs them. */
export class InjuredFlood {
  readonly #flood: Flood;
  readonly #agent: AgentProcess;
  #last: FloodCounts;
  #lastAt = performance.now();

  private constructor(flood: Flood, agent: AgentProcess, counts: FloodCounts) {
    this.#flood = flood;
    this.#agent = agent;
    this.#last = counts;
  }

  /** What the flood has counted so far, before there were rules for example, counts for nothing. */
  static async start(flood: Flood, agent: AgentProcess): Promise<InjuredFlood> {
    await sleep(settleMs);
    return new InjuredFlood(flood, agent, await flood.counts());
  }

  /** Hurts the rules, waits until the agent has repaired them, and looks how it goes on. */
  async suffer(injury: string, injure: () => Promise<unknown>): Promise<Repair> {
    const previous = this.#last;
    const previousAt = this.#lastAt;
    const before = await this.#flood.counts();
    const { lines } = this.#agent;
    const from = lines.length;
    await injure();
    const injuredAt = performance.now();
    const injuredFrom = lines.length;
    const repair = await this.#agent.waitFor(/repaired/, { from, timeoutMs: 60_000 });
    const repairMs = performance.now() - injuredAt;
    const { text } = repair;
    const overlooked = lines
      .slice(injuredFrom, lines.indexOf(repair))
      .filter((line) => /rules in sync/.test(line.text));
    await sleep(settleMs);
    const repaired = await this.#flood.counts();
    const rightSince = (counts: FloodCounts) =>
      Math.min(...kinds.map((kind) => counts[kind].right - repaired[kind].right));
    let after = repaired;
    // On a busy machine the flood itself may pause for longer.
    for (let tries = 0; tries < mostTries && rightSince(after) === 0; tries++) {
      await sleep(afterMs);
      after = await this.#flood.counts();
    }
    this.#last = after;
    this.#lastAt = performance.now();

    const wrongShare = Math.max(
      ...kinds.map(
        (kind) => (repaired[kind].wrong - before[kind].wrong) / (total(after[kind]) - total(previous[kind])),
      ),
    );
    return {
      injury,
      text,
      repairMs,
      overlooked: overlooked.length,
      wrong: wrong(repaired) - wrong(before),
      wrongMs: wrongShare * (this.#lastAt - previousAt),
      wrongElse: wrong(before) - wrong(previous) + wrong(after) - wrong(repaired),
      rightAfter: rightSince(after),
    };
  }
}

const kinds = ['kept', 'masqueraded'] as const;

function total({ right, wrong }: FloodCounts['kept']): number {
  return right + wrong;
}

function wrong({ kept, masqueraded }: FloodCounts): number {
  return kept.wrong + masqueraded.wrong;
}

/** Repairs as a table to be printed, the median last. */
export function describeRepairs(title: string, repairs: readonly Repair[]): string {
  const row = (name: string, repairMs: number, wrongMs: number, count: string) =>
    `  ${name.padEnd(40)} ${repairMs.toFixed(0).padStart(6)} ms, wrong for ${wrongMs.toFixed(0).padStart(5)} ms ${count}\n`;
  const rows = repairs.map(({ injury, repairMs, wrongMs, wrong }) => row(injury, repairMs, wrongMs, `(${wrong})`));
  const medians = row(
    'median',
    median(repairs.map(({ repairMs }) => repairMs)),
    median(repairs.map(({ wrongMs }) => wrongMs)),
    '',
  );
  return `${title}\n${rows.join('')}${medians}`;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN;
}
