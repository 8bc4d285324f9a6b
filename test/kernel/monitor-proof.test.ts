import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { KernelWatch } from '../../src/backends/backend.ts';
import { createNftBackend } from '../../src/backends/nft/backend.ts';
import { watchTable } from '../../src/backends/nft/monitor.ts';
import { OwnWrites } from '../../src/backends/nft/own-writes.ts';
import { monotonicMs } from '../../src/clock.ts';
import { findNetlinkSocket } from '../../src/system/netlink-socket.ts';
import { type Follower, systemFollower } from '../../src/system/run.ts';
import { policyWith } from '../builders/policy.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { Namespace, namespaceRunner } from './harness/namespace.ts';

const table = 'inet ip-masq-agent';
/** Far more than any socket has room for, as the events of one transaction. */
const elements = Array.from({ length: 50_000 }, (_, index) => `10.${index >> 8}.${index & 255}.1`).join(', ');
const mostLoads = 40;

describeKernel('the watch of the nft table', () => {
  let node: Namespace;
  let watch: KernelWatch;
  let monitor: number;
  let changes: number;
  let ownWrites: OwnWrites;
  beforeEach(async () => {
    node = await Namespace.create('node');
    changes = 0;
    ownWrites = new OwnWrites();
    const listening = Promise.withResolvers<void>();
    const follower: Follower = {
      follow({ tool, args }, listeners) {
        const following = systemFollower.follow(node.inside(tool, args), listeners);
        monitor = following.pid ?? 0;
        return following;
      },
    };
    watch = watchTable(
      { follower, findSocket: findNetlinkSocket, ownWrites },
      {
        onChange: () => void changes++,
        onAuthor: () => undefined,
        onListening: listening.resolve,
        onFailure: (reason) => listening.reject(new Error(reason)),
      },
    );
    await listening.promise;
  });
  afterEach(async () => {
    await watch.stop();
    await node.delete();
  });

  const nft = (...commands: string[]): Promise<string> => node.feed(`${commands.join('\n')}\n`, 'nft', '-f', '-');
  /** What was going on before the watch began can't be proved. */
  const now = async (): Promise<number> => {
    await sleep(1);
    return monotonicMs();
  };

  it('can prove that it has heard everything since it listens, and hears what it is for', async () => {
    expect(await watch.hasHeardAllSince(0)).toBe(false);
    const moment = await now();
    expect(await watch.hasHeardAllSince(moment)).toBe(true);
    await nft(`add table ${table}`);
    await expect.poll(() => changes, { timeout: 5_000 }).toBe(1);
    expect(await watch.hasHeardAllSince(moment)).toBe(true);
  });

  it('does not vouch for anything while nft has events to read', async () => {
    const moment = await now();
    process.kill(monitor, 'SIGSTOP');
    await nft(`add table ${table}`);
    expect(await watch.hasHeardAllSince(moment)).toBe(false);
    expect(changes).toBe(0);
    process.kill(monitor, 'SIGCONT');
    await expect.poll(() => changes, { timeout: 5_000 }).toBe(1);
    expect(await watch.hasHeardAllSince(moment)).toBe(true);
  });

  it('does not vouch for a time in which events were dropped, but for the time after', async () => {
    const moment = await now();
    await nft(`add table ${table}`, `add set ${table} large { type ipv4_addr; }`);
    process.kill(monitor, 'SIGSTOP');
    const socket = await findNetlinkSocket(monitor, { protocol: 12, group: 7 });
    for (let load = 0; ((await socket?.state())?.dropped ?? 0) === 0; load++) {
      if (load === mostLoads) throw new Error('the socket takes everything');
      await nft(`flush set ${table} large`, `add element ${table} large { ${elements} }`);
    }
    process.kill(monitor, 'SIGCONT');
    await expect.poll(async () => (await socket?.state())?.unread, { timeout: 30_000 }).toBe(0);
    expect(await watch.hasHeardAllSince(moment)).toBe(false);
    await expect.poll(async () => watch.hasHeardAllSince(await now()), { timeout: 30_000 }).toBe(true);
    expect(await watch.hasHeardAllSince(moment)).toBe(false);
  });

  it('does not tell of what the backend writes, but of what somebody else does before, amid and after', async () => {
    const moment = await now();
    const backend = createNftBackend({ runner: namespaceRunner(node), ownWrites });
    const policies = [policyWith({}), policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'] } })];
    for (const policy of policies) await backend.apply(policy);
    expect(await watch.hasHeardAllSince(moment)).toBe(true);
    expect(changes).toBe(0);
    for (const policy of policies) {
      const before = changes;
      const applying = backend.apply(policy).catch(() => undefined);
      await nft(`add chain ${table} foreign`);
      await applying;
      await expect.poll(() => changes, { timeout: 5_000 }).toBeGreaterThan(before);
      await backend.apply(policy);
    }
    expect(await watch.hasHeardAllSince(await now())).toBe(true);
    const before = changes;
    await nft(`add chain ${table} foreign`);
    await expect.poll(() => changes, { timeout: 5_000 }).toBe(before + 1);
  });

  it('does not vouch for anything where the backend wrote what was not heard of', async () => {
    const moment = await now();
    ownWrites.begin();
    expect(await watch.hasHeardAllSince(moment)).toBe(false);
    expect(await watch.hasHeardAllSince(moment)).toBe(true);
  });

  it('does not vouch for anything once nft has ended', async () => {
    const moment = await now();
    process.kill(monitor, 'SIGKILL');
    await expect.poll(() => watch.hasHeardAllSince(moment), { timeout: 5_000 }).toBe(false);
  });
});
