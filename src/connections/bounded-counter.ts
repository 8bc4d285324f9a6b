/**
 * Counts things of which there may be too many to remember them all. When there are more than `capacity`, those that
 * were met least are forgotten, as lossy counting does (Manku and Motwani, 2002): a thing may be counted too low by as
 * much as the largest count that was ever forgotten, which is 1 for a capacity in the order of the number of things.
 */
export class BoundedCounter<T> {
  readonly #capacity: number;
  readonly #counts = new Map<string, { readonly value: T; count: number }>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Counts one; `describe` is called where the key is new. */
  add(key: string, describe: () => T): void {
    const known = this.#counts.get(key);
    if (known) {
      known.count++;
      return;
    }
    if (this.#counts.size >= this.#capacity) this.#forgetRarest();
    this.#counts.set(key, { value: describe(), count: 1 });
  }

  /** What was counted, most first. */
  all(): { readonly value: T; readonly count: number }[] {
    return [...this.#counts.values()].sort((a, b) => b.count - a.count);
  }

  /** Makes room for as many again. */
  #forgetRarest(): void {
    for (let least = 1; this.#counts.size > this.#capacity / 2; least++) {
      for (const [key, { count }] of this.#counts) if (count <= least) this.#counts.delete(key);
    }
  }
}
