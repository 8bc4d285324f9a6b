import type { AgentEvent } from '../agent/events.ts';
import { describeOrigin, type Origin } from '../backends/change-watch.ts';
import type { Policy } from '../policy/policy.ts';
import type { AgentState } from './agent-state.ts';
import type { Log, LogFields } from './log.ts';

/** Every event by its type. */
export type Events = { readonly [Event in AgentEvent as Event['type']]: Event };

/** One line for the log. */
export interface Line {
  readonly level: keyof Log;
  readonly text: string;
  readonly fields?: LogFields;
  /** May repeat itself for days: logged as often as it is news, and else only for those who want every detail. */
  readonly repeats?: boolean;
}

/** What a line is written from beside its event. */
export interface LineContext {
  readonly state: AgentState;
  readonly before: AgentState;
  /** The files of the config that this line is the first to tell of. */
  readonly takeFiles: () => LogFields;
  /** What is odd about the lists of an accepted config, once its rules are in force: they come first. */
  readonly takeRemarks: (policy: Policy) => readonly Line[];
}

/** The field that names who changed rules, where that is known. */
export function changedBy(origin: Origin | undefined): LogFields {
  return origin ? { changedBy: describeOrigin(origin) } : {};
}

/** More than this in one field help nobody. */
const shownItems = 20;

/** As many items as one field has room for, and how many more there are. */
export function shortened(items: readonly string[]): readonly string[] {
  return items.length > shownItems ? [...items.slice(0, shownItems), `and ${items.length - shownItems} more`] : items;
}

/** A duration in milliseconds as text. */
export function milliseconds(duration: number): string {
  return `${Math.round(duration)}ms`;
}
