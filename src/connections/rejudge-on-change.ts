import type { RejudgeConnections } from '../config/config.ts';
import { samePolicy } from '../policy/changes.ts';
import type { Policy } from '../policy/policy.ts';
import type { RejudgeMode, Rejudgement } from './rejudge.ts';

export interface RejudgeOnChangeOptions {
  /** Deletes what the change from one policy to the other has left behind. */
  readonly rejudge: (mode: RejudgeMode, previous: Policy, policy: Policy) => Promise<Rejudgement>;
  readonly onDone: (mode: RejudgeMode, result: Rejudgement) => void;
  readonly onFailure: (cause: unknown) => void;
}

/**
 * Acts on the config key rejudgeConnections: after a change of the config's text, once its rules are in place, and
 * only about connections that this change flipped. Never at the start, and never where the text is what it was, as
 * when a name has another address. One change at a time; of changes that come meanwhile, the last counts.
 */
export class RejudgeOnChange {
  readonly #options: RejudgeOnChangeOptions;
  /** What the config that was accepted last asks for, until its rules are in place. */
  #mode: RejudgeConnections = 'none';
  #waiting: { mode: RejudgeMode; previous: Policy; policy: Policy } | undefined;
  #running: Promise<void> | undefined;

  constructor(options: RejudgeOnChangeOptions) {
    this.#options = options;
  }

  /** A config with another text was accepted. */
  configAccepted(mode: RejudgeConnections): void {
    this.#mode = mode;
  }

  /** The kernel was seen to hold the rules of a policy; `previous`: what it was known to hold before, if anything. */
  policyInPlace(previous: Policy | undefined, policy: Policy): void {
    const mode = this.#mode;
    this.#mode = 'none';
    if (mode === 'none' || !previous || samePolicy(previous, policy)) return;
    // Connections from before a change that was not acted on yet are of the policy before that.
    this.#waiting = { mode, previous: this.#waiting?.previous ?? previous, policy };
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when nothing is left to do. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #work(): Promise<void> {
    for (let next = this.#waiting; next; next = this.#waiting) {
      this.#waiting = undefined;
      try {
        this.#options.onDone(next.mode, await this.#options.rejudge(next.mode, next.previous, next.policy));
      } catch (cause) {
        this.#options.onFailure(cause);
      }
    }
  }
}
