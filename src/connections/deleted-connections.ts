import type { Connection } from './connection.ts';

/** Most kinds to remember; beyond that, the first are forgotten. */
const capacity = 10_000;

/**
 * Connections that were deleted because they were judged otherwise. What looks like one of them after that came back
 * as it was: another program decides about it, and it must not be deleted again and again.
 */
export class DeletedConnections {
  readonly #kinds = new Set<string>();

  add(connection: Connection): void {
    this.#remember(kindOf(connection));
  }

  addAll(others: DeletedConnections): void {
    for (const kind of others.#kinds) this.#remember(kind);
  }

  #remember(kind: string): void {
    this.#kinds.add(kind);
    const [oldest] = this.#kinds.size > capacity ? this.#kinds : [];
    if (oldest !== undefined) this.#kinds.delete(oldest);
  }

  has(connection: Connection): boolean {
    return this.#kinds.has(kindOf(connection));
  }

  /** For a new policy: what it judges otherwise has not been tried yet. */
  clear(): void {
    this.#kinds.clear();
  }
}

/** Without the source port: a client that tries again has another. */
function kindOf({ protocol, original, reply }: Connection): string {
  return `${protocol} ${original.source} ${reply.source} ${reply.ports?.source}`;
}
