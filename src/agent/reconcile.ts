import type { Backend } from '../backends/backend.ts';
import type { Origin } from '../backends/change-watch.ts';
import { monotonicMs } from '../clock.ts';
import type { ConfigReading } from '../config/config.ts';
import { samePolicy } from '../policy/changes.ts';
import { summarizeFlips } from '../policy/diff.ts';
import type { Policy } from '../policy/policy.ts';
import type { AcceptedConfig, AgentEvent, Cause, ReportEvent, Trigger } from './events.ts';
import { mayBeNothing } from './trigger-queue.ts';

export interface ReconcileDependencies {
  readonly backend: Backend;
  readonly readConfig: () => Promise<ConfigReading>;
  readonly policyOf: (reading: AcceptedConfig) => Policy;
  /** A reading with the node's addresses as they are now, where it depends on them. */
  readonly onThisNode?: (reading: AcceptedConfig) => Promise<AcceptedConfig>;
  readonly report: ReportEvent;
}

/** What is remembered from one time to the next. */
export interface ReconcileState {
  /** What the kernel should hold: the policy of the last good config, or undefined until there was one. */
  policy: Policy | undefined;
  /** The last good config. */
  reading: AcceptedConfig | undefined;
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
  /** Who has changed our rules, as far as that was heard by now. */
  readonly origin: () => Origin | undefined;
}

type ResultOf<Type extends 'applied' | 'in-sync'> = Omit<Extract<AgentEvent, { type: Type }>, 'trigger' | 'recovery'>;

/**
 * `unchanged`: config events turned out to have changed nothing, and the kernel was not looked at; `no-policy`: no
 * config has been good yet, and the kernel is left alone.
 */
export type ReconcileResult = { readonly type: 'unchanged' | 'no-policy' } | ResultOf<'applied'> | ResultOf<'in-sync'>;

/**
 * Config → policy → observe → apply. A bad config leaves the policy as it is, and the kernel is still held to the last
 * good one. Throws AgentError where the kernel could not be brought to the policy.
 */
export async function reconcile(
  dependencies: ReconcileDependencies,
  state: ReconcileState,
  request: ReconcileRequest,
  stop: AbortSignal,
): Promise<ReconcileResult> {
  const { backend } = dependencies;
  state.found = [];
  const isNewPolicy = await takeConfig(dependencies, state, await dependencies.readConfig());
  // Several such events make one change: those that find nothing new leave the kernel to the resync.
  if (mayBeNothing(request.trigger) && !isNewPolicy && state.applied === state.policy) return { type: 'unchanged' };
  const { policy, applied: previous } = state;
  if (!policy) return { type: 'no-policy' };

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
  dependencies: ReconcileDependencies,
  state: ReconcileState,
  reading: ConfigReading,
): Promise<boolean> {
  const { policyOf, report } = dependencies;
  if (!reading.ok) await followNode(dependencies, state);
  if (reading.digest === state.digest) return false;
  state.digest = reading.digest;
  if (!reading.ok) {
    report({ type: 'config-rejected', reading, policyKept: state.policy !== undefined });
    return false;
  }
  state.reading = reading;
  state.policy = policyOf(reading);
  state.resyncIntervalMs = reading.config.resyncIntervalMs.value;
  report({ type: 'config-accepted', reading });
  return true;
}

/** The last good config stays in force beside a bad one, and means what it means on the node as it is by now. */
async function followNode({ policyOf, onThisNode }: ReconcileDependencies, state: ReconcileState): Promise<void> {
  if (!state.reading || !onThisNode) return;
  const reading = await onThisNode(state.reading);
  if (reading === state.reading) return;
  const policy = policyOf(reading);
  if (state.policy && samePolicy(state.policy, policy)) return;
  state.reading = reading;
  state.policy = policy;
}
