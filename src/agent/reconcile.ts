import type { Backend } from '../backends/backend.ts';
import type { Origin } from '../backends/change-watch.ts';
import type { Leftovers } from '../backends/leftovers.ts';
import { monotonicMs } from '../clock.ts';
import { type ConfigReading, namesIn } from '../config/config.ts';
import type { NameAnswer } from '../names/name-watch.ts';
import { samePolicy } from '../policy/changes.ts';
import { summarizeFlips } from '../policy/diff.ts';
import type { Answers } from '../policy/node-facts.ts';
import type { Policy } from '../policy/policy.ts';
import type { AcceptedConfig, AgentEvent, Cause, ReportEvent, Trigger } from './events.ts';
import { answersOf, type Names } from './names.ts';
import { mayBeNothing } from './trigger-queue.ts';

export interface ReconcileDependencies {
  readonly backend: Backend;
  readonly readConfig: () => Promise<ConfigReading>;
  readonly policyOf: (reading: AcceptedConfig, answers: Answers) => Policy;
  /** A reading with the node's addresses as they are now, where it depends on them. */
  readonly onThisNode?: (reading: AcceptedConfig) => Promise<AcceptedConfig>;
  /** What other agents, or this one under another backend, left in the kernel. */
  readonly findLeftovers: (signal: AbortSignal) => Promise<Leftovers>;
  readonly report: ReportEvent;
}

/** What each time needs. */
export interface LoopDependencies extends ReconcileDependencies {
  readonly names: Names;
}

/** What is remembered from one time to the next. */
export interface ReconcileState {
  /** What the kernel should hold: the policy of the last good config, or undefined until there was one. */
  policy: Policy | undefined;
  /** The last good config, and what was known of its names, of which the policy was made. */
  reading: AcceptedConfig | undefined;
  answers: readonly NameAnswer[];
  /** What the kernel was last known to hold. */
  applied: Policy | undefined;
  /** Digest of the last config read, good or bad. */
  digest: string | undefined;
  /** Milliseconds between resyncs, from the last good config. */
  resyncIntervalMs: number;
  /** What the last look at the kernel found wrong there: known also where the repair then fails. */
  found: readonly string[];
}

/** Why to reconcile, and what is known before. */
export interface ReconcileRequest {
  readonly trigger: Trigger;
  /** It is certain that nobody has changed our rules since they were last read to be right. */
  readonly isKnownInSync: boolean;
  /** Nobody reconciles after this: names that were never asked about are waited for. */
  readonly isOnly: boolean;
  /** Who has changed our rules, as far as that was heard by now. */
  readonly origin: () => Origin | undefined;
}

type ResultOf<Type extends 'applied' | 'in-sync'> = Omit<Extract<AgentEvent, { type: Type }>, 'trigger' | 'recovery'>;

/**
 * `unchanged`: events turned out to have changed nothing, and the kernel was not looked at; `no-policy`: no config has
 * been good yet, and the kernel is left alone; `names-awaited`: as are the rules in it until these names are answered.
 */
export type ReconcileResult =
  | { readonly type: 'unchanged' | 'no-policy' }
  | { readonly type: 'names-awaited'; readonly names: readonly string[] }
  | ResultOf<'applied'>
  | ResultOf<'in-sync'>;

/**
 * Config → policy → observe → apply. A bad config leaves the policy as it is, and the kernel is still held to the last
 * good one. Throws AgentError where the kernel could not be brought to the policy.
 */
export async function reconcile(
  dependencies: LoopDependencies,
  state: ReconcileState,
  request: ReconcileRequest,
  stop: AbortSignal,
): Promise<ReconcileResult> {
  state.found = [];
  const readingBefore = state.reading;
  const isAccepted = await takeConfig(dependencies, state, await dependencies.readConfig());
  const isNew = makePolicy(dependencies, state, isAccepted, readingBefore);
  // Several such events make one change: those that find nothing new leave the kernel to the resync.
  if (mayBeNothing(request.trigger) && !isNew && state.applied === state.policy) return { type: 'unchanged' };
  const { policy, applied } = state;
  if (!policy) return { type: 'no-policy' };
  const awaited = applied ? [] : await awaitedNames(dependencies, policy, request, stop);
  if (awaited.length > 0) return { type: 'names-awaited', names: awaited };
  return bringKernelTo(policy, dependencies, state, request, stop);
}

async function bringKernelTo(
  policy: Policy,
  { backend }: ReconcileDependencies,
  state: ReconcileState,
  request: ReconcileRequest,
  stop: AbortSignal,
): Promise<ReconcileResult> {
  const { applied: previous } = state;
  const startedAt = monotonicMs();
  const policyDiffers = previous !== undefined && !samePolicy(previous, policy);
  const inSync = (verifiedBy: 'read' | 'events'): ReconcileResult => {
    state.applied = policy;
    return { type: 'in-sync', policy, verifiedBy, durationMs: monotonicMs() - startedAt };
  };
  if (request.isKnownInSync && previous !== undefined && !policyDiffers) return inSync('events');
  // A policy that is known to differ from what the kernel holds needs no look.
  const observed = policyDiffers ? undefined : await backend.observe(policy, stop);
  if (observed?.state === 'in-sync') return inSync('read');
  state.found = observed?.differences ?? [];

  const cause: Cause = previous === undefined ? 'first' : policyDiffers ? 'policy-change' : 'drift';
  const origin = cause === 'drift' ? request.origin() : undefined;
  await backend.apply(policy, stop, observed);
  state.applied = policy;
  const durationMs = monotonicMs() - startedAt;
  // After the rules are in force: it must not hold them up.
  const flips = policyDiffers ? summarizeFlips(previous, policy) : undefined;
  return { type: 'applied', cause, policy, previous, differences: state.found, flips, origin, durationMs };
}

/** Remembers what a config asks for; reports it once. Says whether it is new. */
async function takeConfig(
  { report, onThisNode }: ReconcileDependencies,
  state: ReconcileState,
  reading: ConfigReading,
): Promise<boolean> {
  // The last good config stays in force beside a bad one, and means what it means on the node as it is by now.
  if (!reading.ok && state.reading && onThisNode) state.reading = await onThisNode(state.reading);
  if (reading.digest === state.digest) return false;
  state.digest = reading.digest;
  if (!reading.ok) {
    report({ type: 'config-rejected', reading, policyKept: state.policy !== undefined });
    return false;
  }
  state.reading = reading;
  state.resyncIntervalMs = reading.config.resyncIntervalMs.value;
  report({ type: 'config-accepted', reading });
  return true;
}

/** Makes the policy anew where config, addresses or names may ask for another one. Says whether they do. */
function makePolicy(
  { policyOf, report, names }: LoopDependencies,
  state: ReconcileState,
  isAccepted: boolean,
  readingBefore: AcceptedConfig | undefined,
): boolean {
  const { reading, policy: before } = state;
  if (!reading) return false;
  if (isAccepted) names.follow(namesIn(reading.config), state.resyncIntervalMs);
  const answers = names.answers();
  // Without names there is nothing to tell.
  const isNews = answers !== state.answers && answers.length + state.answers.length > 0;
  if (reading === readingBefore && !isNews) return false;
  state.answers = answers;
  if (isNews) report({ type: 'names', answers });
  const policy = policyOf(reading, answersOf(answers));
  state.policy = policy;
  if (isAccepted || !before || !samePolicy(before, policy)) return true;
  if (state.applied === before) state.applied = policy;
  return false;
}

/**
 * The names that hold up the first rules. What a name kept must not be masqueraded for a while only because the agent is
 * started, or takes another's place: rules that do it already stay until it is known what the name stands for.
 */
async function awaitedNames(
  { backend, names, findLeftovers }: LoopDependencies,
  policy: Policy,
  { isOnly }: ReconcileRequest,
  stop: AbortSignal,
): Promise<readonly string[]> {
  const awaited = names.awaited();
  if (awaited.length === 0) return [];
  const unasked = names.answers().filter(({ isAnswered, failure }) => !isAnswered && failure === undefined);
  if (isOnly && unasked.length > 0) return unasked.map(({ name }) => name);
  if ((await backend.observe(policy, stop)).state !== 'absent') return awaited;
  return (await findLeftovers(stop)).found.length > 0 ? awaited : [];
}
