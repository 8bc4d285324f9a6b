/** A tool that ignores SIGTERM is given no more time than this before SIGKILL. */
export const killDelayMs = 400;
/** A tool that is still there so long after SIGKILL hangs in the kernel: nobody waits for it any longer. */
const giveUpDelayMs = 300;

/** How long a tool may take to end once it was told to. */
export class Patience {
  /** Resolves when the tool should long have ended. */
  readonly lost: Promise<undefined>;
  readonly #signal: AbortSignal | undefined;
  #lose: () => void = () => undefined;
  #timer: NodeJS.Timeout;

  constructor(timeoutMs: number, signal: AbortSignal | undefined) {
    this.lost = new Promise((resolve) => {
      this.#lose = () => resolve(undefined);
    });
    this.#timer = setTimeout(this.#lose, timeoutMs + killDelayMs + giveUpDelayMs);
    this.#signal = signal;
    signal?.addEventListener('abort', this.#hurry);
  }

  readonly #hurry = (): void => {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#lose, killDelayMs + giveUpDelayMs);
  };

  /** The tool has ended, or was given up. */
  end(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#hurry);
  }
}
