import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../../clock.ts';
import type { FindNetlinkSocket, NetlinkSocket } from '../../system/netlink-socket.ts';
import type { Follower, Following } from '../../system/run.ts';
import type { KernelWatch, KernelWatchEvents } from '../backend.ts';
import { createMonitorReader } from './monitor-events.ts';
import type { OwnWrites } from './own-writes.ts';

const firstRestartMs = 1_000;
const slowestRestartMs = 60_000;

/** NETLINK_NETFILTER and NFNLGRP_NFTABLES, of linux/netlink.h and linux/netfilter/nfnetlink.h. */
const nftablesEvents = { protocol: 12, group: 7 };
/** How often, and for how long, to look whether nft has subscribed to events, or has read those that wait. */
const lookAgainMs = 20;
const mostLooks = 50;
const patientLooks = 5;

/** Longer than it takes until nft has read on, and told of what is whole again. */
const lossPauseMs = 5_000;
/** How often what nft can't tell is looked into. */
const complaintIntervalMs = 1_000;

/** What watching takes of the system. */
export interface MonitorTools {
  readonly follower: Follower;
  readonly findSocket: FindNetlinkSocket;
  /** What the backend writes: not told as a change. */
  readonly ownWrites: OwnWrites;
}

/**
 * Watches the table with `nft monitor`, which is restarted whenever it ends.
 *
 * Whether it has heard everything can be proved: the kernel shows how many messages it could not deliver to nft's
 * socket, and how many bytes nft has still to read.
 */
export function watchTable(tools: MonitorTools, events: KernelWatchEvents): KernelWatch {
  let current: Session | undefined;
  let restartMs = firstRestartMs;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  const start = (): void => {
    const session = startSession(tools, events);
    current = session;
    const startedAt = monotonicMs();
    void session.ended.then((reason) => {
      if (isStopped) return;
      const livedMs = monotonicMs() - startedAt;
      restartMs = livedMs > slowestRestartMs ? firstRestartMs : Math.min(restartMs * 2, slowestRestartMs);
      events.onFailure(reason);
      timer = setTimeout(start, restartMs);
    });
  };

  start();
  return {
    hasHeardAllSince: async (moment) => (await current?.hasHeardAllSince(moment)) ?? false,
    stop() {
      isStopped = true;
      clearTimeout(timer);
      current?.stop();
      return current ? current.ended.then(() => undefined) : Promise.resolve();
    },
  };
}

/** One run of `nft monitor`. */
interface Session extends Pick<KernelWatch, 'hasHeardAllSince'>, Following {}

function startSession({ follower, findSocket, ownWrites }: MonitorTools, events: KernelWatchEvents): Session {
  let socket: NetlinkSocket | undefined;
  let isOwn = false;
  let dropped = 0;
  /** Since when nothing can have gone unheard. */
  let listeningSince = Number.POSITIVE_INFINITY;
  let hasEnded = false;

  const distrust = (): void => {
    if (Number.isFinite(listeningSince)) listeningSince = monotonicMs();
  };
  const { read, expectAuthor } = createMonitorReader({
    onChange() {
      isOwn = ownWrites.claim();
      if (!isOwn) events.onChange();
    },
    onAuthor(by) {
      if (!isOwn) events.onAuthor(by);
    },
    onLoss() {
      distrust();
      ownWrites.pause(lossPauseMs);
      events.onChange();
      events.onAuthor('somebody (events were lost)');
    },
  });
  const lookSoon = limitRate(events.onChange, complaintIntervalMs);
  /**
   * nft forgets the name of a set, and so of its table, once a rule that refers to it was deleted; of its elements it
   * then only says, here, "W: Received event for an unknown set" (seen with 1.0.6). It may be somebody else's set,
   * changed all the time.
   */
  const onError = (piece: string): void => {
    if (!piece.includes('W: ')) return;
    distrust();
    isOwn = false;
    expectAuthor();
    lookSoon();
  };
  const following = follower.follow({ tool: 'nft', args: ['monitor'] }, { onOutput: read, onError });
  void following.ended.then(() => {
    hasEnded = true;
  });

  /** nft says nothing when it is ready; its socket shows it. */
  const awaitSubscription = async (): Promise<void> => {
    for (let look = 0; look < mostLooks && !hasEnded && socket === undefined; look++) {
      await sleep(lookAgainMs, undefined, { ref: false });
      socket = following.pid === undefined ? undefined : await findSocket(following.pid, nftablesEvents);
    }
    if (hasEnded) return;
    ownWrites.forget();
    if (socket) listeningSince = monotonicMs();
    events.onListening();
  };
  void awaitSubscription();

  return {
    ...following,
    async hasHeardAllSince(moment) {
      for (let look = 0; look < patientLooks && !hasEnded && moment >= listeningSince; look++) {
        if (look > 0) await sleep(lookAgainMs);
        const state = await socket?.state();
        if (state === undefined) return false;
        if (state.dropped !== dropped) {
          dropped = state.dropped;
          distrust();
        } else if (state.unread === 0) return !ownWrites.forget();
      }
      return false;
    },
  };
}

/** Calls at once, and then, however often it is asked to, not sooner than the interval allows. */
function limitRate(call: () => void, intervalMs: number): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isWanted = false;
  const fire = (): void => {
    isWanted = false;
    call();
    timer = setTimeout(() => {
      timer = undefined;
      if (isWanted) fire();
    }, intervalMs).unref();
  };
  return () => {
    isWanted = true;
    if (timer === undefined) fire();
  };
}
