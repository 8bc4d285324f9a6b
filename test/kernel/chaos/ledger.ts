import type { Flood, FloodVerdicts } from '../harness/flood/flood.ts';

/** What connections may suffer for the time being. */
export interface Excuse {
  /** Masqueraded networks are reached with the address of the pod. */
  readonly leaked: boolean;
  /** Kept networks are masqueraded. */
  readonly caught: boolean;
}

const none: Excuse = { leaked: false, caught: false };

/**
 * Keeps the account of wrongly judged connections. Between two readings of the flood's counters one excuse holds: it is
 * given after the reading that ends the time before it, and taken back once what has been judged by wrong rules has
 * long arrived. So nothing wrong is excused that another cause than the excuse made.
 */
export class Ledger {
  readonly #flood: Flood;
  #counted: FloodVerdicts;
  #excuse = none;
  #turn: Promise<unknown> = Promise.resolve();
  /** Wrong while excused. */
  readonly excused = { leaked: 0, caught: 0 };
  /** Wrong while not. */
  readonly unexcused = { leaked: 0, caught: 0 };
  /** Connections so far, and those of them that no excuse was open for. */
  judged = 0;
  judgedWithoutExcuse = 0;

  private constructor(flood: Flood, counted: FloodVerdicts) {
    this.#flood = flood;
    this.#counted = counted;
  }

  /** Begins when the right rules are in place. */
  static async open(flood: Flood): Promise<Ledger> {
    return new Ledger(flood, await flood.verdicts());
  }

  /** Resolves when what is excused may begin. Throws if something is wrong until then. */
  excuse(more: Partial<Excuse>): Promise<void> {
    return this.#inTurn(async () => {
      const wider = { ...this.#excuse, ...more };
      if (wider.leaked === this.#excuse.leaked && wider.caught === this.#excuse.caught) return;
      await this.#read();
      this.#excuse = wider;
    });
  }

  /** Ends every excuse; for a time when the rules have been right for a while. Throws if something is wrong. */
  settle(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#read();
      this.#excuse = none;
    });
  }

  async #read(): Promise<void> {
    const now = await this.#flood.verdicts();
    const before = this.#counted;
    const wrong = {
      leaked: now.masqueraded.wrong - before.masqueraded.wrong,
      caught: now.kept.wrong - before.kept.wrong,
    };
    for (const kind of ['leaked', 'caught'] as const) {
      (this.#excuse[kind] ? this.excused : this.unexcused)[kind] += wrong[kind];
    }
    const judged = judgedIn(now) - judgedIn(before);
    this.judged += judged;
    if (!this.#excuse.leaked && !this.#excuse.caught) this.judgedWithoutExcuse += judged;
    this.#counted = now;
    const { leaked, caught } = this.unexcused;
    if (leaked + caught > 0) {
      throw new Error(`${leaked} connections leaked and ${caught} were masqueraded without an excuse`);
    }
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

function judgedIn({ kept, masqueraded }: FloodVerdicts): number {
  return kept.right + kept.wrong + masqueraded.right + masqueraded.wrong;
}
