import { monotonicMs } from '../../clock.ts';
import type { ChangeListener, ChangeWatch } from '../change-watch.ts';

/** Text that differs when rules of ours were changed. May throw. */
export type ReadRules = (signal: AbortSignal) => Promise<string>;

export const pollIntervalMs = 5_000;

/**
 * Notices changes by listing our rules every few seconds, where the kernel can't be heard. A listing is taken for right
 * once a full look that began after it has found nothing to write; so each change of our own costs one more look.
 * Proves nothing, since it does not see the elements of sets.
 */
export class PollingWatch implements ChangeWatch {
  readonly #readRules: ReadRules;
  readonly #listener: Pick<ChangeListener, 'onChange' | 'onListening'>;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void>;
  #right: string | undefined;
  /** What was reported, and is yet to be looked at. */
  #reported: { readonly text: string; readonly at: number } | undefined;

  constructor(readRules: ReadRules, listener: Pick<ChangeListener, 'onChange' | 'onListening'>) {
    this.#readRules = readRules;
    this.#listener = listener;
    this.#looking = this.#look(() => listener.onListening());
  }

  proveNoChangeSince(): Promise<boolean> {
    return Promise.resolve(false);
  }

  originSince(): undefined {
    return undefined;
  }

  othersChangedAt(): undefined {
    return undefined;
  }

  noteLook(startedAt: number, wasWritten: boolean): void {
    if (!wasWritten && this.#reported && this.#reported.at <= startedAt) this.#right = this.#reported.text;
    this.#reported = undefined;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    await this.#looking;
  }

  async #look(tell: () => void): Promise<void> {
    const at = monotonicMs();
    // A look that fails tells nothing: the resync does its own, and reports why.
    const text = await this.#readRules(this.#stop.signal).catch(() => undefined);
    if (this.#stop.signal.aborted) return;
    if (text !== undefined && text !== this.#right && text !== this.#reported?.text) {
      this.#reported = { text, at };
      tell();
    }
    this.#timer = setTimeout(() => {
      this.#looking = this.#look(() => this.#listener.onChange());
    }, pollIntervalMs);
  }
}
