import type { Trigger } from './agent-event.ts';
import { backoffDelayMs } from './backoff.ts';
import { AgentError, asAgentError } from './errors.ts';
import { type ReconcileDependencies, type ReconcileState, reconcile } from './reconcile.ts';
import { TriggerQueue } from './trigger-queue.ts';

/** Starts something that calls back on each event until it is stopped. */
export type Subscribe = (onEvent: () => void) => Promise<{ stop(): Promise<void> }>;

export interface AgentDependencies extends ReconcileDependencies {
  /** Changes of the config on disk. */
  readonly watchConfig: Subscribe;
  /** SIGHUP. */
  readonly onReloadSignal: Subscribe;
}

/** The resync period until a config says otherwise: 1 minute, as upstream's default. */
const initialResyncIntervalMs = 60_000;

/**
 * The agent: keeps the kernel's NAT rules equal to the config until `stop` is aborted; the rules stay. Applies first,
 * then watches. One pass at a time; triggers that come while one runs make one more.
 */
export async function runAgent(dependencies: AgentDependencies, stop: AbortSignal): Promise<void> {
  const triggers = new TriggerQueue();
  const state = initialState();
  await pass(dependencies, state, 'start', stop);

  const subscriptions = await Promise.all([
    dependencies.watchConfig(() => triggers.add('config-change')),
    dependencies.onReloadSignal(() => triggers.add('signal')),
  ]);
  // Whatever changed between the first read and the watch would otherwise wait for the resync.
  triggers.add('config-change');

  for (;;) {
    const { at, trigger: due } = state.nextPass;
    const forMs = Math.max(0, at - performance.now());
    dependencies.report({ type: 'waiting', forMs });
    const trigger = await triggers.next(forMs, due, stop);
    if (!trigger) break;
    await pass(dependencies, state, trigger, stop);
  }
  await Promise.all(subscriptions.map((subscription) => subscription.stop()));
}

/** One pass and out, for `run --once`. Throws AgentError where the config is bad or the kernel can't be brought to it. */
export async function runOnce(dependencies: ReconcileDependencies, stop: AbortSignal): Promise<void> {
  const state = initialState();
  await reconcile(dependencies, state, 'start', stop);
  if (!state.policy) throw new AgentError('CONFIG_INVALID', 'the config is invalid; nothing was changed');
}

interface AgentState extends ReconcileState {
  /** Passes that failed since the last that did not. */
  failures: number;
  /** When to look at the kernel again, on the clock of performance.now(), and why. */
  nextPass: { readonly at: number; readonly trigger: Trigger };
}

function initialState(): AgentState {
  return {
    policy: undefined,
    applied: undefined,
    digest: undefined,
    resyncIntervalMs: initialResyncIntervalMs,
    failures: 0,
    nextPass: { at: 0, trigger: 'resync' },
  };
}

/** One pass, whatever comes of it: a failure is reported and tried again, sooner than the next resync. */
async function pass(
  dependencies: AgentDependencies,
  state: AgentState,
  trigger: Trigger,
  stop: AbortSignal,
): Promise<void> {
  dependencies.report({ type: 'pass-began' });
  try {
    const isComplete = await reconcile(dependencies, state, trigger, stop);
    // Events that change nothing must not put off the resync, however many there are.
    if (!isComplete) return;
    state.failures = 0;
    state.nextPass = { at: performance.now() + state.resyncIntervalMs, trigger: 'resync' };
  } catch (cause) {
    state.failures++;
    const retryInMs = backoffDelayMs(state.failures, state.resyncIntervalMs);
    state.nextPass = { at: performance.now() + retryInMs, trigger: 'retry' };
    if (!stop.aborted) dependencies.report({ type: 'failed', trigger, error: asAgentError(cause), retryInMs });
  }
}
