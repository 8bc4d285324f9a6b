import type { Trigger } from './events.ts';

/** The longest delay that a Node timer keeps: 2^31 - 1 ms, about 24 days. */
const longestTimerMs = 2 ** 31 - 1;

/** Whether a trigger says only that config, names or addresses may be others; if not, the kernel need not be looked at. */
export function mayBeNothing(trigger: Trigger): boolean {
  return trigger === 'config-change' || trigger === 'name-change' || trigger === 'address-change';
}

/**
 * Gathers reasons to reconcile. However many come while that goes on, it happens once more, for the first of them that
 * has it look at the kernel whatever the config says: events of files, names and addresses, which may turn out to be
 * nothing, do not.
 */
export class TriggerQueue {
  #pending: Trigger | undefined;
  #wake: (() => void) | undefined;

  add(trigger: Trigger): void {
    if (this.#pending === undefined || mayBeNothing(this.#pending)) this.#pending = trigger;
    this.#wake?.();
  }

  /**
   * The next trigger: one that is pending, one that comes within `timeoutMs`, or else `onTimeout`. Resolves to
   * undefined once `stop` is aborted.
   */
  async next(timeoutMs: number, onTimeout: Trigger, stop: AbortSignal): Promise<Trigger | undefined> {
    if (!this.#pending && !stop.aborted) await this.#sleep(timeoutMs, stop);
    if (stop.aborted) return undefined;
    const trigger = this.#pending ?? onTimeout;
    this.#pending = undefined;
    return trigger;
  }

  #sleep(timeoutMs: number, stop: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        stop.removeEventListener('abort', wake);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(wake, Math.min(timeoutMs, longestTimerMs));
      stop.addEventListener('abort', wake);
      this.#wake = wake;
    });
  }
}
