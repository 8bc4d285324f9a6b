import type { Follower, Following } from '../../system/runner.ts';
import type { KernelWatch, KernelWatchEvents } from '../backend.ts';
import { createMonitorReader } from './monitor-events.ts';

/** nft says nothing when it is ready; by then it has long been subscribed. */
const subscribedAfterMs = 1_000;
const firstRestartMs = 1_000;
const slowestRestartMs = 60_000;

/**
 * Watches the table with `nft monitor`, which is restarted whenever it ends. The agent's own changes are told like
 * anybody's: inside a container the kernel's process numbers do not tell them apart, but a look at the table does.
 */
export function watchTable(follower: Follower, { onChange, onFailure, onTrusted }: KernelWatchEvents): KernelWatch {
  let trustedSince = Number.POSITIVE_INFINITY;
  let restartMs = firstRestartMs;
  let current: Following | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  const distrust = (until: number): void => {
    trustedSince = until;
  };

  const start = (): void => {
    const read = createMonitorReader({
      onChange,
      onLoss() {
        distrust(performance.now());
        onChange('somebody (events were lost)');
      },
    });
    distrust(performance.now() + subscribedAfterMs);
    timer = setTimeout(onTrusted, subscribedAfterMs);
    current = follower.follow({ tool: 'nft', args: ['monitor'] }, read);
    void current.ended.then(restart);
  };

  const restart = (reason: string): void => {
    if (isStopped) return;
    const livedMs = performance.now() - trustedSince;
    restartMs = livedMs > slowestRestartMs ? firstRestartMs : Math.min(restartMs * 2, slowestRestartMs);
    distrust(Number.POSITIVE_INFINITY);
    clearTimeout(timer);
    onFailure(reason);
    timer = setTimeout(start, restartMs);
  };

  start();
  return {
    trustedSince: () => trustedSince,
    stop() {
      isStopped = true;
      clearTimeout(timer);
      current?.stop();
      return current ? current.ended.then(() => undefined) : Promise.resolve();
    },
  };
}
