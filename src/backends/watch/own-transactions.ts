import type { ChildObserver, Command } from '../../system/run.ts';

interface Writer {
  readonly pid: number;
  /** The processes, in the numbers of the kernel's first pid namespace, whose transactions came under that id. */
  readonly authors: Set<number | undefined>;
}

/**
 * Knows the transactions of this agent by the process that wrote them: the port of a netlink message is, nearly always,
 * the process id of its tool.
 *
 * Process ids are not unique: containers that share a network may each have a process of the same number. So an id counts
 * only from the start of the child until every event from before its end was heard, and only while one process uses it.
 * Whoever is taken for somebody else by mistake costs one look at the rules; the other way about could happen only to a
 * process of the same number that writes while ours writes nothing at all.
 */
export class OwnTransactions implements ChildObserver {
  readonly #writers: Writer[] = [];
  #barrier: () => Promise<unknown> = () => Promise.resolve();

  /** Sets what resolves once every event so far has been heard. */
  settleBy(barrier: () => Promise<unknown>): void {
    this.#barrier = barrier;
  }

  /** Tools that change rules read them from their standard input; those that list rules do not. */
  started(pid: number, { input }: Pick<Command, 'input'>): void {
    if (input !== undefined) this.#writers.push({ pid, authors: new Set() });
  }

  ended(pid: number): void {
    const writer = this.#writers.find((one) => one.pid === pid);
    if (writer === undefined) return;
    const forget = (): void => void this.#writers.splice(this.#writers.indexOf(writer), 1);
    void this.#barrier().then(forget, forget);
  }

  /** Whether a transaction that came from a port, and was made by a process, is one of ours. */
  include(port: number, author: number | undefined): boolean {
    const writer = this.#writers.find((one) => one.pid === port);
    if (writer === undefined) return false;
    writer.authors.add(author);
    return writer.authors.size === 1;
  }
}
