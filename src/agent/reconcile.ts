import type { Backend } from '../backends/backend.ts';
import { monotonicMs } from '../clock.ts';
import type { Config, ConfigReading } from '../config/config.ts';
import { samePolicy } from '../policy/changes.ts';
import { summarizeFlips } from '../policy/diff.ts';
import type { Policy } from '../policy/policy.ts';
import type { AgentEvent, ReportEvent, Trigger } from './events.ts';

export interface ReconcileDependencies {
  readonly backend: Backend;
  readonly readConfig: () => Promise<ConfigReading>;
  readonly policyOf: (config: Config) => Policy;
  readonly report: ReportEvent;
}

/** What the passes so far have come to. */
export interface ReconcileState {
  /** What the kernel should hold: the policy of the last good config, or undefined until there was one. */
  policy: Policy | undefined;
  /** What the kernel was last known to hold. */
  applied: Policy | undefined;
  /** Digest of the last config read, good or bad. */
  digest: string | undefined;
  /** Milliseconds between resyncs, from the last good config. */
  resyncIntervalMs: number;
}

/** Why there is a pass, and what is known before it looks. */
export interface Occasion {
  readonly trigger: Trigger;
  /** Nobody has changed our rules since they were last seen to be right. */
  readonly isVouchedFor: boolean;
  /** Who may have changed our rules, as far as that has become known by now. */
  readonly changedBy: () => string | undefined;
}

/**
 * What a pass came to: `unchanged`, file events turned out to have changed nothing, and the kernel was not looked at;
 * `repaired`, rules of ours had been changed by somebody else.
 */
export type PassResult = 'unchanged' | 'done' | 'repaired';

/**
 * One pass: config file → policy → kernel. A bad config leaves the policy as it is, and the kernel is still held to
 * the last good one. Throws AgentError where the kernel could not be brought to the policy; the next pass tries again.
 */
export async function reconcile(
  dependencies: ReconcileDependencies,
  state: ReconcileState,
  occasion: Occasion,
  stop: AbortSignal,
): Promise<PassResult> {
  const isNew = takeConfig(dependencies, state, await dependencies.readConfig());
  // Several file events make one change: those that find nothing new leave the kernel to the resync.
  if (occasion.trigger === 'config-change' && !isNew && state.applied === state.policy) return 'unchanged';
  if (!state.policy) return 'done';
  const event = await bringKernelTo(state.policy, dependencies.backend, state.applied, occasion, stop);
  const isRepair = event.type === 'applied' && state.applied !== undefined && event.differences.length > 0;
  state.applied = state.policy;
  dependencies.report(event);
  return isRepair ? 'repaired' : 'done';
}

/** Remembers what a config asks for; reports it once. Says whether it is new. */
function takeConfig(
  { policyOf, report }: ReconcileDependencies,
  state: ReconcileState,
  reading: ConfigReading,
): boolean {
  if (reading.digest === state.digest) return false;
  state.digest = reading.digest;
  if (!reading.ok) {
    report({ type: 'config-rejected', reading, policyKept: state.policy !== undefined });
    return false;
  }
  state.policy = policyOf(reading.config);
  state.resyncIntervalMs = reading.config.resyncIntervalMs.value;
  report({ type: 'config-accepted', reading });
  return true;
}

type KernelEvent = Extract<AgentEvent, { type: 'applied' | 'in-sync' }>;

/** Compares and, where they differ, writes. A policy known to differ from what the kernel holds needs no comparing. */
async function bringKernelTo(
  policy: Policy,
  backend: Backend,
  previous: Policy | undefined,
  { trigger, isVouchedFor, changedBy }: Occasion,
  stop: AbortSignal,
): Promise<KernelEvent> {
  const startedAt = monotonicMs();
  const elapsed = (): number => monotonicMs() - startedAt;
  const isChange = previous !== undefined && !samePolicy(previous, policy);
  const inSync = (basis: 'listing' | 'watch'): KernelEvent => ({
    type: 'in-sync',
    trigger,
    policy,
    basis,
    durationMs: elapsed(),
  });
  if (isVouchedFor && previous !== undefined && !isChange) return inSync('watch');
  const observed = isChange ? undefined : await backend.observe(policy, stop);
  if (observed?.state === 'in-sync') return inSync('listing');
  await backend.apply(policy, stop, observed);
  const differences = observed?.differences ?? [];
  const durationMs = elapsed();
  const flips = isChange ? summarizeFlips(previous, policy) : undefined;
  return { type: 'applied', trigger, policy, previous, differences, flips, changedBy: changedBy(), durationMs };
}
