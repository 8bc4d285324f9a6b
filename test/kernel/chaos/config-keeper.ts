import { setTimeout as sleep } from 'node:timers/promises';
import type { Policy } from '../../../src/policy/policy.ts';
import { type PlainPolicy, toPolicy } from '../../generators/plain-policy.ts';
import type { ConfigMapVolume } from '../harness/config-map-volume.ts';
import { chaosConfig, defaultPolicy } from './policies.ts';

/** A policy that the kernel may hold, in both of its forms. */
export interface Candidate {
  readonly plain: PlainPolicy;
  readonly policy: Policy;
}

const key = 'ip-masq-agent';

function candidateOf(plain: PlainPolicy): Candidate {
  return { plain, policy: toPolicy(plain) };
}

/** Writes the config, and knows which policies the kernel may hold for it once everything is quiet. */
export class ConfigKeeper {
  readonly #volume: ConfigMapVolume;
  #text = '';
  #lastGood: PlainPolicy = defaultPolicy;
  /** The good config that is in place; undefined while a bad one is. */
  #inPlace: Candidate | undefined;
  /** Good configs since the last quiet: of those before a bad one, the agent need not have seen each. */
  #seen: Candidate[] = [];
  #mayBeForgotten = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(volume: ConfigMapVolume) {
    this.#volume = volume;
  }

  write(plain: PlainPolicy): Promise<void> {
    return this.#inTurn(async () => {
      this.#lastGood = plain;
      this.#inPlace = candidateOf(plain);
      this.#seen.push(this.#inPlace);
      await this.#put(chaosConfig(plain));
    });
  }

  writeBad(text: string): Promise<void> {
    return this.#inTurn(async () => {
      this.#inPlace = undefined;
      await this.#put(text);
    });
  }

  /** Takes every file away, and puts back what is the config then. */
  async vanish(forMs: number): Promise<void> {
    await this.#inTurn(async () => {
      this.#seen.push(candidateOf(defaultPolicy));
      this.agentMayForget();
      await this.#volume.write({});
    });
    await sleep(forMs);
    await this.#inTurn(() => this.#put(this.#text));
  }

  /** To be told when an agent may start that sees no good config, or the default one only. */
  agentMayForget(): void {
    this.#mayBeForgotten = true;
  }

  /**
   * The policies one of which the kernel must come to hold. Where a bad config is in place and the last good one may be
   * known to nobody any more, it is written again first.
   */
  async candidates(): Promise<readonly Candidate[]> {
    await this.#turn;
    if (!this.#inPlace && this.#mayBeForgotten) await this.write(this.#lastGood);
    return this.#inPlace ? [this.#inPlace] : this.#seen;
  }

  /** The kernel was found to hold this one. */
  settled(candidate: Candidate): void {
    this.#lastGood = candidate.plain;
    this.#seen = [candidate];
    this.#mayBeForgotten = false;
  }

  async #put(text: string): Promise<void> {
    this.#text = text;
    await this.#volume.write({ [key]: text });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work);
    return this.#turn;
  }
}
