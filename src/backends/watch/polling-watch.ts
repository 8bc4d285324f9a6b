import type { ChangeListener, ChangeWatch } from '../change-watch.ts';

/** Text that differs when rules of ours were changed. May throw. */
export type ReadRules = (signal: AbortSignal) => Promise<string>;

export const pollIntervalMs = 5_000;

/**
 * Notices changes by listing our rules every few seconds, where the kernel can't be heard. Proves nothing: it does not
 * see the elements of sets. A change of our own is taken for somebody else's, which costs one look at the rules.
 */
export class PollingWatch implements ChangeWatch {
  readonly #readRules: ReadRules;
  readonly #listener: Pick<ChangeListener, 'onChange' | 'onListening'>;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  #last: string | undefined;

  constructor(readRules: ReadRules, listener: Pick<ChangeListener, 'onChange' | 'onListening'>) {
    this.#readRules = readRules;
    this.#listener = listener;
    this.#ended = this.#run();
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

  stop(): Promise<void> {
    this.#stop.abort();
    return this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#look();
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, pollIntervalMs);
        signal.addEventListener('abort', done);
        if (signal.aborted) done();
      });
    }
  }

  /** A look that fails tells nothing: the resync does its own, and reports why. */
  async #look(): Promise<void> {
    const text = await this.#readRules(this.#stop.signal).catch(() => undefined);
    if (text === undefined || text === this.#last) return;
    const isFirst = this.#last === undefined;
    this.#last = text;
    if (isFirst) this.#listener.onListening();
    else this.#listener.onChange();
  }
}
