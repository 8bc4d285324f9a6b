import { backoffDelayMs } from './agent/backoff.ts';
import type { Trigger } from './agent/events.ts';
import { LeftoverCleanup, type RemoveLeftovers } from './agent/leftover-cleanup.ts';
import { type ReconcileDependencies, type ReconcileState, reconcile } from './agent/reconcile.ts';
import { RepairThrottle } from './agent/repair-throttle.ts';
import { TriggerQueue } from './agent/trigger-queue.ts';
import type { KernelWatch, WatchKernel } from './backends/backend.ts';
import { monotonicMs } from './clock.ts';
import { AgentError, asAgentError } from './errors.ts';

/** Starts something that calls back on each event until it is stopped. */
export type Subscribe = (onEvent: () => void) => Promise<{ stop(): Promise<void> }>;

export interface AgentDependencies extends PassDependencies {
  /** Changes of the config on disk. */
  readonly watchConfig: Subscribe;
  /** SIGHUP. */
  readonly onReloadSignal: Subscribe;
  /** Changes of our rules in the kernel; undefined where the backend can't hear of them. */
  readonly watchKernel?: WatchKernel | undefined;
}

/** What one pass needs. */
export interface PassDependencies extends ReconcileDependencies {
  /** Removes what other agents left, once the own rules are in place. */
  readonly removeLeftovers: RemoveLeftovers;
}

/** The resync period until a config says otherwise: 1 minute, as upstream's default. */
const initialResyncIntervalMs = 60_000;

/** However far the watch of the kernel is trusted, so often the whole of our rules is read. */
const fullCheckIntervalMs = 15 * 60_000;

/**
 * The agent: keeps the kernel's NAT rules equal to the config until `stop` is aborted; the rules stay. Applies first,
 * then watches. One pass at a time; triggers that come while one runs make one more.
 */
export async function runAgent(dependencies: AgentDependencies, stop: AbortSignal): Promise<void> {
  const triggers = new TriggerQueue();
  const state = initialState(dependencies);
  // Before anything else: a signal that nobody listens for ends the process.
  const reloadSignal = await dependencies.onReloadSignal(() => triggers.add('signal'));
  await pass(dependencies, state, 'start', stop);

  const kernelWatch = startKernelWatch(dependencies, state, triggers);
  const configWatch = await dependencies.watchConfig(() => triggers.add('config-change'));
  // Whatever changed between the first read and the watch would otherwise wait for the resync.
  triggers.add('config-change');

  for (;;) {
    const { at, trigger: due } = state.nextPass;
    const forMs = Math.max(0, at - monotonicMs());
    dependencies.report({ type: 'waiting', forMs });
    const trigger = await triggers.next(forMs, due, stop);
    if (!trigger) break;
    await pass(dependencies, state, trigger, stop, kernelWatch);
  }
  await Promise.all([reloadSignal, configWatch, kernelWatch].map((subscription) => subscription?.stop()));
}

/** One pass and out, for `run --once`. Throws AgentError where the config is bad or the kernel can't be brought to it. */
export async function runOnce(dependencies: PassDependencies, stop: AbortSignal): Promise<void> {
  const state = initialState(dependencies);
  await reconcile(dependencies, state, { trigger: 'start', isVouchedFor: false, changedBy: () => undefined }, stop);
  if (!state.policy) throw new AgentError('CONFIG_INVALID', 'the config is invalid; nothing was changed');
  await state.leftovers.runIfDue(monotonicMs(), stop);
}

interface LoopState extends ReconcileState {
  /** Passes that failed since the last that did not. */
  failures: number;
  /** When to look at the kernel again, on the clock of monotonicMs(), and why. */
  nextPass: { readonly at: number; readonly trigger: Trigger };
  /** When the last full check that found the kernel right, or made it so, began. */
  fullCheckAt: number;
  /** When our rules were last heard to change. */
  changedAt: number;
  /** Who was the first to change them since the last pass: what comes later may be the repair. */
  changedBy: string | undefined;
  /** When the last pass ended. */
  passEndedAt: number;
  readonly repairs: RepairThrottle;
  readonly leftovers: LeftoverCleanup;
}

function initialState({ removeLeftovers, report }: PassDependencies): LoopState {
  return {
    policy: undefined,
    applied: undefined,
    digest: undefined,
    resyncIntervalMs: initialResyncIntervalMs,
    failures: 0,
    nextPass: { at: 0, trigger: 'resync' },
    fullCheckAt: Number.NEGATIVE_INFINITY,
    changedAt: Number.NEGATIVE_INFINITY,
    changedBy: undefined,
    passEndedAt: Number.NEGATIVE_INFINITY,
    repairs: new RepairThrottle(),
    leftovers: new LeftoverCleanup(removeLeftovers, report),
  };
}

function startKernelWatch(
  { watchKernel, report }: AgentDependencies,
  state: LoopState,
  triggers: TriggerQueue,
): KernelWatch | undefined {
  return watchKernel?.({
    onChange() {
      state.changedAt = monotonicMs();
      if (!state.repairs.isPaused(state.changedAt)) triggers.add('foreign-change');
    },
    onAuthor(by) {
      state.changedBy ??= by;
    },
    onListening: () => triggers.add('resync'),
    onFailure: (reason) => report({ type: 'kernel-watch-failed', reason }),
  });
}

/** One pass, whatever comes of it: a failure is reported and tried again, sooner than the next resync. */
async function pass(
  dependencies: AgentDependencies,
  state: LoopState,
  trigger: Trigger,
  stop: AbortSignal,
  kernelWatch?: KernelWatch,
): Promise<void> {
  const { report } = dependencies;
  report({ type: 'pass-began' });
  const startedAt = monotonicMs();
  try {
    // Of a long change the author is told late; but what nobody was heard to do, the repair alone is told of.
    const wasHeard = state.changedAt >= state.passEndedAt;
    const isVouchedFor = trigger === 'resync' && (await isKnownToBeRight(state, startedAt, kernelWatch));
    const occasion = { trigger, isVouchedFor, changedBy: () => (wasHeard ? state.changedBy : undefined) };
    const result = await reconcile(dependencies, state, occasion, stop);
    // Events that change nothing must not put off the resync, however many there are.
    if (result === 'unchanged') return;
    state.failures = 0;
    if (!isVouchedFor) state.fullCheckAt = startedAt;
    state.nextPass = { at: monotonicMs() + state.resyncIntervalMs, trigger: 'resync' };
    if (result === 'repaired') countRepair(dependencies, state);
    if (state.applied) await state.leftovers.runIfDue(startedAt, stop);
  } catch (cause) {
    state.failures++;
    // It may have written something before it failed.
    state.fullCheckAt = Number.NEGATIVE_INFINITY;
    const retryInMs = backoffDelayMs(state.failures, state.resyncIntervalMs);
    state.nextPass = { at: monotonicMs() + retryInMs, trigger: 'retry' };
    if (!stop.aborted) report({ type: 'failed', trigger, error: asAgentError(cause), retryInMs });
  } finally {
    state.changedBy = undefined;
    state.passEndedAt = monotonicMs();
  }
}

/**
 * Whether the kernel need not be looked at: not long ago all of our rules were seen to be right, and since then, as the
 * watch can prove, nobody has changed them.
 */
async function isKnownToBeRight(state: LoopState, now: number, kernelWatch?: KernelWatch): Promise<boolean> {
  const isRecent = now - state.fullCheckAt < fullCheckIntervalMs;
  const isUnchanged = (): boolean => state.changedAt < state.fullCheckAt;
  if (kernelWatch === undefined || !isRecent || !isUnchanged()) return false;
  return (await kernelWatch.hasHeardAllSince(state.fullCheckAt)) && isUnchanged();
}

function countRepair({ report }: AgentDependencies, state: LoopState): void {
  const pause = state.repairs.add(monotonicMs(), state.resyncIntervalMs);
  if (pause) report({ type: 'conflict', changedBy: state.changedBy, ...pause });
}
