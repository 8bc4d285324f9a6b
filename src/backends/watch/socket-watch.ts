import { monotonicMs } from '../../clock.ts';
import { codeOf } from '../../errors.ts';
import type { NetlinkOptions, NetlinkSocket } from '../../system/netlink.ts';
import type { NetlinkMessage } from '../../system/netlink-messages.ts';
import type { ChangeListener, ChangeWatch, Origin } from '../change-watch.ts';
import {
  type Concerns,
  type GenerationEvent,
  generationRequest,
  isLater,
  nftablesGroup,
  parseGeneration,
  parseRuleEvent,
} from './nftables-events.ts';
import type { OwnTransactions } from './own-transactions.ts';

export type OpenNetlink = (options: NetlinkOptions) => Promise<NetlinkSocket>;

export interface SocketWatchOptions {
  readonly openNetlink: OpenNetlink;
  readonly concerns: Concerns;
  readonly own: OwnTransactions;
}

/** How long a transaction that the kernel has counted may take to be heard of. */
const lateEventsMs = 1_000;
/** An answer is there at once, behind the events that wait to be read, or not at all. */
const answerMs = 500;
/** How many changes by others are remembered for `originSince`. */
const mostChanges = 100;

/**
 * Hears changes from the kernel's netlink group of nf_tables, to which nft and iptables-nft both belong.
 *
 * Nothing is missed silently: the kernel says when events found no room (ENOBUFS), and numbers its generations, so that
 * asking for the present one tells whether all before it was heard.
 */
export class SocketWatch implements ChangeWatch {
  readonly #options: SocketWatchOptions;
  readonly #listener: ChangeListener;
  #socket: NetlinkSocket | undefined;
  /** Since when nothing can have gone unheard. */
  #listeningSince = Number.POSITIVE_INFINITY;
  /** That of the last transaction that was heard. */
  #generation: number | undefined;
  /** What the events since the last complete transaction are about. */
  #touched: { ours: boolean; others: boolean } = { ours: false, others: false };
  readonly #changes: { readonly at: number; readonly origin: Origin | undefined }[] = [];
  #othersChangedAt = Number.NEGATIVE_INFINITY;
  readonly #waiting = new Set<() => void>();
  #isStopped: boolean = false;

  private constructor(options: SocketWatchOptions, listener: ChangeListener) {
    this.#options = options;
    this.#listener = listener;
  }

  /** Opens the socket; `onFailure` is called when it breaks later. Throws AgentError as `openNetlink` does. */
  static async start(options: SocketWatchOptions, listener: ChangeListener): Promise<SocketWatch> {
    const watch = new SocketWatch(options, listener);
    watch.#socket = await options.openNetlink({
      ...nftablesGroup,
      onEvents: (events) => {
        for (const event of events) watch.#take(event);
      },
      onLoss: () => watch.#lose(),
      onFailure: ({ message }) => listener.onFailure(message),
    });
    options.own.settleBy(() => watch.#hasHeardAll());
    void watch.#listen();
    return watch;
  }

  async proveNoChangeSince(moment: number): Promise<boolean> {
    const isUnchanged = (): boolean => moment >= this.#listeningSince && !this.#changes.some(({ at }) => at >= moment);
    return isUnchanged() && (await this.#hasHeardAll()) && isUnchanged();
  }

  originSince(moment: number): Origin | undefined {
    return this.#changes.find(({ at, origin }) => at >= moment && origin !== undefined)?.origin;
  }

  othersChangedAt(): number {
    return this.#othersChangedAt;
  }

  /** Only events count here. */
  noteLook(): void {}

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#options.own.settleBy(() => Promise.resolve());
    this.#wakeWaiting();
    await this.#socket?.close();
  }

  get #isListening(): boolean {
    return Number.isFinite(this.#listeningSince);
  }

  #take(message: NetlinkMessage): void {
    const event = parseRuleEvent(message);
    if (event) {
      if (this.#options.concerns(event)) this.#touched.ours = true;
      else if (event.chain !== undefined) this.#touched.others = true;
      return;
    }
    const end = parseGeneration(message);
    if (end) this.#complete(end);
  }

  #complete({ generation, port, origin }: GenerationEvent): void {
    const touched = this.#touched;
    this.#touched = { ours: false, others: false };
    this.#generation = generation;
    this.#wakeWaiting();
    if (!(touched.ours || touched.others) || this.#options.own.include(port, origin?.pid)) return;
    if (touched.others) this.#othersChangedAt = monotonicMs();
    if (touched.ours) this.#change(origin);
  }

  #change(origin: Origin | undefined): void {
    this.#changes.push({ at: monotonicMs(), origin });
    if (this.#changes.length > mostChanges) this.#changes.shift();
    this.#listener.onChange();
  }

  /** Anything may have happened, and goes on happening until the kernel answers again. */
  #lose(): void {
    if (!this.#isListening) return;
    this.#listeningSince = Number.POSITIVE_INFINITY;
    this.#generation = undefined;
    this.#touched = { ours: false, others: false };
    this.#othersChangedAt = monotonicMs();
    this.#wakeWaiting();
    this.#change(undefined);
    void this.#listen();
  }

  /**
   * Asks until the kernel answers: to a socket that has lost events it sends nothing until all that waits was read, and
   * then everything again. So what comes after an answer is complete.
   */
  async #listen(): Promise<void> {
    while (!this.#isStopped) {
      const generation = await this.#askGeneration();
      if (generation === 'refused') {
        await this.stop();
        this.#listener.onFailure('the kernel does not tell the generation of the ruleset');
      } else if (generation !== 'lost') {
        // Later ones may have been heard already.
        if (this.#generation === undefined || isLater(generation, this.#generation)) this.#generation = generation;
        this.#listeningSince = monotonicMs();
        this.#listener.onListening();
        return;
      }
    }
  }

  /** Whether every transaction that the kernel has completed by now was heard. */
  async #hasHeardAll(): Promise<boolean> {
    const generation = await this.#askGeneration();
    if (typeof generation === 'string') return false;
    const isHeard = (): boolean => this.#generation !== undefined && !isLater(generation, this.#generation);
    const giveUpAt = monotonicMs() + lateEventsMs;
    // The kernel counts a transaction a moment before it tells of it.
    while (!isHeard() && this.#isListening && !this.#isStopped) {
      const leftMs = giveUpAt - monotonicMs();
      if (leftMs <= 0) return false;
      await this.#nextNews(leftMs);
    }
    return isHeard() && this.#isListening;
  }

  async #askGeneration(): Promise<number | 'lost' | 'refused'> {
    if (this.#socket === undefined) return 'lost';
    try {
      const { messages } = await this.#socket.request(generationRequest, { timeoutMs: answerMs });
      return messages.map(parseGeneration).find((found) => found !== undefined)?.generation ?? 'refused';
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
      return 'lost';
    }
  }

  #nextNews(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      this.#waiting.add(wake);
    });
  }

  #wakeWaiting(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
