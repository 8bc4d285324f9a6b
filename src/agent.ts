import type { Recovery, Trigger } from './agent/events.ts';
import { type FindForeignMasquerade, ForeignSurvey } from './agent/foreign-survey.ts';
import { LeftoverCleanup, type RemoveLeftovers } from './agent/leftover-cleanup.ts';
import type { Names, StartNames } from './agent/names.ts';
import { type FindPodRoutes, PodNetworkSurvey } from './agent/pod-network-survey.ts';
import { type ReconcileDependencies, type ReconcileResult, type ReconcileState, reconcile } from './agent/reconcile.ts';
import { RepairThrottle } from './agent/repair-throttle.ts';
import { schedule } from './agent/schedule.ts';
import { TriggerQueue } from './agent/trigger-queue.ts';
import type { ChangeWatch, StartChangeWatch } from './backends/change-watch.ts';
import { monotonicMs } from './clock.ts';
import { AgentError, asAgentError } from './errors.ts';
import type { Policy } from './policy/policy.ts';

/** Starts something that calls back on each event until it is stopped. */
export type Subscribe = (onEvent: () => void) => Promise<{ stop(): Promise<void> }>;

/** What `run --once` needs. */
export interface OnceDependencies extends ReconcileDependencies {
  /** Removes what other agents left, once the own rules are in place. */
  readonly removeLeftovers: RemoveLeftovers;
  readonly findPodRoutes: FindPodRoutes;
  readonly startNames: StartNames;
}

export interface AgentDependencies extends OnceDependencies {
  /** Changes of the config on disk. */
  readonly watchConfig: Subscribe;
  /** Changes of the node's addresses that the policy may depend on; undefined where nobody listens for them. */
  readonly watchAddresses?: Subscribe | undefined;
  /** SIGHUP. */
  readonly onReloadSignal: Subscribe;
  /** Changes of our rules in the kernel; undefined where the backend can't notice them. */
  readonly watchChanges?: StartChangeWatch | undefined;
  readonly findForeignMasquerade: FindForeignMasquerade;
}

/** The resync period until a config says otherwise: 1 minute, as upstream's default. */
const initialResyncIntervalMs = 60_000;

/** However far the watch is trusted, so often the whole of our rules is read. */
const fullCheckIntervalMs = 15 * 60_000;

/**
 * The agent: keeps the kernel's NAT rules equal to the config until `stop` is aborted; the rules stay. Applies first,
 * then watches. Reconciles once at a time; triggers that come meanwhile make it reconcile once more.
 */
export async function runAgent(dependencies: AgentDependencies, stop: AbortSignal): Promise<void> {
  const triggers = new TriggerQueue();
  // Before anything else: a signal that nobody listens for ends the process.
  const reloadSignal = await dependencies.onReloadSignal(() => triggers.add('signal'));
  const names = dependencies.startNames(() => triggers.add('name-change'));
  const loop = new Loop({ ...dependencies, names }, stop);
  await loop.reconcile('start');

  loop.watchChanges(triggers);
  const configWatch = await dependencies.watchConfig(() => triggers.add('config-change'));
  const addressWatch = await dependencies.watchAddresses?.(() => triggers.add('address-change'));
  // Whatever changed between the first read and the watch would otherwise wait for the resync.
  triggers.add('config-change');

  for (;;) {
    const { forMs, due } = loop.wait();
    const trigger = await triggers.next(forMs, due, stop);
    if (!trigger) break;
    await loop.reconcile(trigger);
  }
  names.stop();
  await Promise.all([reloadSignal.stop(), configWatch.stop(), addressWatch?.stop(), loop.stop()]);
}

/** Reconciles once, for `run --once`. Throws AgentError where the config is bad or the kernel can't be brought to it. */
export async function runOnce(dependencies: OnceDependencies, stop: AbortSignal): Promise<void> {
  const state = initialState();
  const triggers = new TriggerQueue();
  const names = dependencies.startNames(() => triggers.add('name-change'));
  const request = { trigger: 'start', isKnownInSync: false, isOnly: true, origin: () => undefined } as const;
  let result = await reconcile({ ...dependencies, names }, state, request, stop);
  while (result.type === 'names-awaited') {
    reportResult(dependencies, result, 'start', undefined);
    if (!(await triggers.next(state.resyncIntervalMs, 'resync', stop))) break;
    result = await reconcile({ ...dependencies, names }, state, request, stop);
  }
  names.stop();
  if (result.type === 'names-awaited') throw new AgentError('ABORTED', 'told to stop while DNS was waited for');
  if (!state.policy) throw new AgentError('CONFIG_INVALID', 'the config is invalid; nothing was changed');
  reportResult(dependencies, result, 'start', undefined);
  const { removeLeftovers, findPodRoutes, report } = dependencies;
  await new LeftoverCleanup(removeLeftovers, report).runIfDue(monotonicMs(), stop);
  if (state.reading) {
    await new PodNetworkSurvey(findPodRoutes, report).runIfDue(monotonicMs(), state.policy, state.reading.config);
  }
}

function initialState(): ReconcileState {
  return {
    policy: undefined,
    reading: undefined,
    answers: [],
    applied: undefined,
    digest: undefined,
    resyncIntervalMs: initialResyncIntervalMs,
    found: [],
  };
}

function reportResult(
  { report }: ReconcileDependencies,
  result: ReconcileResult,
  trigger: Trigger,
  recovery: Recovery | undefined,
): void {
  if (result.type === 'applied' || result.type === 'in-sync') report({ ...result, trigger, recovery });
  if (result.type === 'names-awaited') report(result);
}

/** What the agent knows between one time that it reconciles and the next. All times are on the clock of monotonicMs(). */
class Loop {
  readonly #dependencies: AgentDependencies & { readonly names: Names };
  readonly #stop: AbortSignal;
  readonly #state = initialState();
  readonly #repairs = new RepairThrottle();
  readonly #leftovers: LeftoverCleanup;
  readonly #survey: ForeignSurvey;
  readonly #podNetworks: PodNetworkSurvey;
  #watch: ChangeWatch | undefined;
  #next: { readonly at: number; readonly trigger: Trigger } = { at: 0, trigger: 'resync' };
  /** Failures since the last success, and when the first of them was. */
  #failures: { readonly count: number; readonly since: number } | undefined;
  /** When the last full check that found the kernel right, or made it so, began. */
  #fullCheckAt = Number.NEGATIVE_INFINITY;
  /** When the last time that looked at the kernel, and succeeded, began. */
  #reconciledAt = Number.NEGATIVE_INFINITY;

  constructor(dependencies: AgentDependencies & { readonly names: Names }, stop: AbortSignal) {
    const { removeLeftovers, findForeignMasquerade, findPodRoutes, report } = dependencies;
    this.#dependencies = dependencies;
    this.#stop = stop;
    this.#leftovers = new LeftoverCleanup(removeLeftovers, report);
    this.#survey = new ForeignSurvey(findForeignMasquerade, report);
    this.#podNetworks = new PodNetworkSurvey(findPodRoutes, report);
  }

  watchChanges(triggers: TriggerQueue): void {
    const { watchChanges, report } = this.#dependencies;
    this.#watch = watchChanges?.({
      onChange: () => {
        if (!this.#repairs.isPaused(monotonicMs())) triggers.add('foreign-change');
      },
      onListening: () => triggers.add('resync'),
      onFailure: (reason) => report({ type: 'kernel-watch-failed', reason }),
    });
  }

  /** How long to wait for a trigger, and which one the end of the wait is. */
  wait(): { readonly forMs: number; readonly due: Trigger } {
    const now = monotonicMs();
    const pauseEnd = this.#repairs.pauseEnd(now) ?? Number.POSITIVE_INFINITY;
    // What is heard of during a pause is dropped, so its end looks, whatever else there was to reconcile for meanwhile.
    const { at, trigger } =
      pauseEnd < this.#next.at ? { at: pauseEnd, trigger: 'foreign-change' as const } : this.#next;
    const forMs = Math.max(0, at - now);
    this.#dependencies.report({ type: 'waiting', forMs });
    return { forMs, due: trigger };
  }

  /** Reconciles once, whatever comes of it: a failure is reported and tried again, sooner than the next resync. */
  async reconcile(trigger: Trigger): Promise<void> {
    this.#dependencies.report({ type: 'reconciling' });
    const startedAt = monotonicMs();
    try {
      const isKnownInSync = trigger === 'resync' && (await this.#isKnownInSync(startedAt));
      const origin = () => this.#watch?.originSince(this.#reconciledAt);
      const request = { trigger, isKnownInSync, isOnly: false, origin };
      const result = await reconcile(this.#dependencies, this.#state, request, this.#stop);
      this.#succeed(result, trigger, startedAt);
      if (this.#state.applied && result.type !== 'unchanged') await this.#cleanUpAndSurvey(this.#state.applied);
    } catch (cause) {
      this.#fail(asAgentError(cause), trigger);
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.#watch?.stop(), this.#survey.ended()]);
  }

  /**
   * Whether the kernel need not be looked at: not long ago all of our rules were seen to be right, and since then, as the
   * watch can prove, nobody has changed them.
   */
  async #isKnownInSync(now: number): Promise<boolean> {
    if (now - this.#fullCheckAt >= fullCheckIntervalMs) return false;
    return (await this.#watch?.proveNoChangeSince(this.#fullCheckAt)) ?? false;
  }

  #succeed(result: ReconcileResult, trigger: Trigger, startedAt: number): void {
    const failures = this.#failures;
    const next = schedule(result, this.#state.resyncIntervalMs);
    if (next) this.#setNext(next.inMs, next.trigger);
    if (result.type === 'unchanged') return;
    this.#failures = undefined;
    this.#reconciledAt = startedAt;
    if (result.type === 'applied' || (result.type === 'in-sync' && result.verifiedBy === 'read')) {
      this.#fullCheckAt = startedAt;
      this.#watch?.noteLook(startedAt, result.type === 'applied');
    }
    const recovery = failures && { failures: failures.count, forMs: monotonicMs() - failures.since };
    reportResult(this.#dependencies, result, trigger, recovery);
    if (result.type === 'applied' && result.cause === 'drift') this.#countRepair(result);
  }

  #fail(error: AgentError, trigger: Trigger): void {
    const { count, since } = this.#failures ?? { count: 0, since: monotonicMs() };
    const failures = count + 1;
    this.#failures = { count: failures, since };
    // It may have written something before it failed.
    this.#fullCheckAt = Number.NEGATIVE_INFINITY;
    const next = schedule({ type: 'failed', failures }, this.#state.resyncIntervalMs);
    this.#setNext(next.inMs, next.trigger);
    if (this.#stop.aborted) return;
    const { found: differences } = this.#state;
    this.#dependencies.report({ type: 'failed', trigger, error, failures, retryInMs: next.inMs, differences });
  }

  #setNext(inMs: number, trigger: Trigger): void {
    this.#next = { at: monotonicMs() + inMs, trigger };
  }

  #countRepair({ origin }: Extract<ReconcileResult, { type: 'applied' }>): void {
    const pause = this.#repairs.add(monotonicMs(), this.#state.resyncIntervalMs);
    if (pause) this.#dependencies.report({ type: 'conflict', origin, ...pause });
  }

  /** With the own rules in place, the agent turns to those of others. */
  async #cleanUpAndSurvey(policy: Policy): Promise<void> {
    const now = monotonicMs();
    await this.#leftovers.runIfDue(now, this.#stop);
    this.#survey.startIfDue({ now, policy, othersChangedAt: this.#watch?.othersChangedAt() }, this.#stop);
    if (this.#state.reading) await this.#podNetworks.runIfDue(now, policy, this.#state.reading.config);
  }
}
