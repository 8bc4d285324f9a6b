import type { Findings } from './figures.ts';
import type { Subject } from './subjects.ts';

/** What is to be measured, and how thoroughly. */
export interface Plan {
  /** The first is our own agent. */
  readonly agents: readonly [ours: Subject, ...others: Subject[]];
  /** A few rounds, for a first impression and for CI. */
  readonly quick: boolean;
}

/** Makes the figures of one aspect. Leaves nothing behind. */
export type Measurement = (plan: Plan) => Promise<Findings>;
