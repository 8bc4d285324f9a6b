/**
 * Counts things of which there may be too many to remember them all. When there are more than `capacity`, those that
 * were met least are forgotten, as lossy counting does (Manku and Motwani, 2002): a thing that is met often is counted
 * too low by no more than the times that this happened, twice for each `capacity` of things met.
 */
export class BoundedCounter {
  readonly #capacity: number;
  readonly #counts = new Map<string, number>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(key: string): void {
    const count = this.#counts.get(key);
    if (count === undefined && this.#counts.size >= this.#capacity) this.#forgetRarest();
    this.#counts.set(key, (count ?? 0) + 1);
  }

  /** What was counted, most first. */
  all(): (readonly [key: string, count: number])[] {
    return [...this.#counts].sort(([, a], [, b]) => b - a);
  }

  /** Makes room for half as many again. */
  #forgetRarest(): void {
    for (let least = 1; this.#counts.size > this.#capacity / 2; least++) {
      for (const [key, count] of this.#counts) if (count <= least) this.#counts.delete(key);
    }
  }
}
