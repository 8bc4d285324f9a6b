import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendName } from '../../src/backends/backend.ts';
import type { ChangeWatch } from '../../src/backends/change-watch.ts';
import { createNftBackend } from '../../src/backends/nft/backend.ts';
import { OwnTransactions } from '../../src/backends/watch/own-transactions.ts';
import { changeWatchFor } from '../../src/backends/watch/start-watch.ts';
import { monotonicMs } from '../../src/clock.ts';
import { createRunner, type Runner } from '../../src/system/run.ts';
import { policyWith } from '../builders/policy.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { Namespace, namespaceRunner } from './harness/namespace.ts';
import { openNetlinkIn } from './harness/netlink-in.ts';
import { changeNatTable, iptablesBackendOn } from './iptables-node.ts';

const table = 'inet ip-masq-agent';
/** As the events of one transaction, far more than the socket has room for. */
const elements = Array.from({ length: 50_000 }, (_, index) => `10.${index >> 8}.${index & 255}.1`).join(', ');
const mostLoads = 10;
/** How long the watch waits for an answer, less what timers are early by. */
const patienceMs = 490;

describeKernel('the watch for changes', () => {
  let node: Namespace;
  let watch: ChangeWatch | undefined;
  let changes: number;
  /** How often it began to listen: once, and once after each loss. */
  let beginnings: number;
  let own: OwnTransactions;
  let runner: Runner;
  beforeEach(async () => {
    node = await Namespace.create('node');
    changes = 0;
    beginnings = 0;
    own = new OwnTransactions();
    runner = namespaceRunner(node, createRunner(own));
  });
  afterEach(async () => {
    await watch?.stop();
    watch = undefined;
    await node.delete();
  });

  async function start(backend: BackendName): Promise<ChangeWatch> {
    const listening = Promise.withResolvers<void>();
    const openNetlink = openNetlinkIn.bind(undefined, node);
    const startWatch = changeWatchFor({ backend, chain: 'IP-MASQ-AGENT', runner, openNetlink, own });
    if (!startWatch) throw new Error(`no watch for ${backend}`);
    const started = startWatch({
      onChange: () => void changes++,
      onListening: () => {
        beginnings++;
        listening.resolve();
      },
      onFailure: (reason) => listening.reject(new Error(reason)),
    });
    watch = started;
    await listening.promise;
    return started;
  }

  const nft = (...commands: string[]): Promise<string> => node.feed(`${commands.join('\n')}\n`, 'nft', '-f', '-');
  /** While this runs nothing is read here. */
  const nftAtOnce = (...commands: string[]): void => {
    const { tool, args } = node.inside('nft', ['-f', '-']);
    execFileSync(tool, args, { input: `${commands.join('\n')}\n` });
  };

  describe('on nft', () => {
    it('proves that nothing changed since it listens, and nothing about the time before', async () => {
      const started = await start('nft');
      expect(await started.proveNoChangeSince(0)).toBe(false);
      const moment = monotonicMs();
      expect(await started.proveNoChangeSince(moment)).toBe(true);
      await nft('add table ip other', 'add chain ip other c');
      expect(await started.proveNoChangeSince(moment)).toBe(true);
      expect(changes).toBe(0);
      expect(started.othersChangedAt()).toBeGreaterThan(moment);
    });

    it('hears a change, and who made it', async () => {
      const started = await start('nft');
      const moment = monotonicMs();
      await nft(`add table ${table}`);
      expect(await started.proveNoChangeSince(moment)).toBe(false);
      expect(changes).toBe(1);
      expect(started.originSince(moment)).toMatchObject({ program: 'nft' });
      expect(await started.proveNoChangeSince(monotonicMs())).toBe(true);
      expect(started.originSince(monotonicMs())).toBeUndefined();
    });

    it('reads what waits to be read before it answers', async () => {
      const started = await start('nft');
      for (let round = 0; round < 50; round++) {
        const moment = monotonicMs();
        nftAtOnce(`add table ${table}`, `add chain ${table} c${round}`);
        expect(await started.proveNoChangeSince(moment)).toBe(false);
      }
      expect(changes).toBe(50);
    });

    // What is not proved is read. So the watch may give up where others take the processor for so long that the answer waits
    // in the socket, behind events, without being read; nothing is lost by that. It may not do so sooner.
    it('proves it while others change their rules without a pause', { timeout: 120_000 }, async () => {
      const started = await start('nft');
      let proofs = 0;
      const unexplained: string[] = [];
      const stop = new AbortController();
      const busy = [0, 1].map(async (worker) => {
        for (let round = 0; !stop.signal.aborted; round++) await nft(`add table ip other${worker}-${round}`);
      });
      try {
        for (let question = 0; question < 200; question++) {
          // Nothing here is ours, so what looks like a change is a loss.
          const [moment, losses, wasListening] = [monotonicMs(), changes, beginnings > changes];
          if (await started.proveNoChangeSince(moment)) {
            proofs++;
          } else if (wasListening && changes === losses && monotonicMs() - moment < patienceMs) {
            unexplained.push(`question ${question}: not proved after ${monotonicMs() - moment} ms`);
          }
          await sleep(1);
        }
      } finally {
        stop.abort();
        await Promise.all(busy);
      }
      expect(unexplained).toEqual([]);
      expect(proofs).toBeGreaterThan(0);
      // With time to read what waits, it can always be proved.
      await expect.poll(() => started.proveNoChangeSince(monotonicMs()), { timeout: 10_000 }).toBe(true);
    });

    it('takes lost events for changes, and can prove nothing of the time in which they were lost', async () => {
      const started = await start('nft');
      await nft('add table ip other', 'add set ip other large { type ipv4_addr; }');
      const moment = monotonicMs();
      for (let load = 0; changes === 0; load++) {
        if (load === mostLoads) throw new Error('the socket takes everything');
        nftAtOnce('flush set ip other large', `add element ip other large { ${elements} }`);
        await sleep(50);
      }
      expect(await started.proveNoChangeSince(moment)).toBe(false);
      await expect.poll(() => started.proveNoChangeSince(monotonicMs()), { timeout: 10_000 }).toBe(true);
      expect(await started.proveNoChangeSince(moment)).toBe(false);
      const before = changes;
      await nft(`add table ${table}`);
      await expect.poll(() => changes).toBe(before + 1);
    });

    it('does not tell of what the backend writes, but of what somebody else does before, amid and after', async () => {
      const started = await start('nft');
      const moment = monotonicMs();
      const backend = createNftBackend({ runner });
      const policies = [policyWith({}), policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'] } })];
      for (const policy of policies) await backend.apply(policy);
      expect(await started.proveNoChangeSince(moment)).toBe(true);
      expect(changes).toBe(0);
      for (const policy of policies) {
        const before = changes;
        const applying = backend.apply(policy).catch(() => undefined);
        await nft(`add chain ${table} foreign`);
        await applying;
        await expect.poll(() => changes).toBeGreaterThan(before);
        await backend.apply(policy);
      }
      const before = changes;
      await nft(`add chain ${table} foreign`);
      await expect.poll(() => changes).toBe(before + 1);
    });

    it('notices a process of another pid namespace that has the number of a child of ours', async () => {
      const started = await start('nft');
      const moment = monotonicMs();
      const pids: number[] = [];
      const observed = createRunner({
        started: (pid, command) => {
          pids.push(pid);
          own.started(pid, command);
        },
        ended: (pid) => own.ended(pid),
      });
      // Waits for a file, then becomes nft, as which it keeps its number.
      const wait = 'until [ -e "$0" ]; do sleep 0.01; done; exec nft -f -';
      const go = `/tmp/${node.name}.go`;
      const child = namespaceRunner(node, observed).run({
        tool: 'sh',
        args: ['-c', wait, go],
        input: `add table ${table}\nadd chain ${table} ours\n`,
      });
      const [pid = 0] = pids;
      // The next process of a pid namespace gets the number after this one (pid_namespaces(7)).
      const foreign = `echo ${pid - 1} >/proc/sys/kernel/ns_last_pid; nft add table ${table}; :`;
      await node.run('unshare', '--pid', '--fork', '--mount-proc', 'sh', '-c', foreign);
      await node.run('touch', go);
      expect(await child).toMatchObject({ exitCode: 0 });
      await node.run('rm', go);
      await expect.poll(() => started.proveNoChangeSince(moment)).toBe(false);
      expect(changes).toBeGreaterThan(0);
    });
  });

  describe('on iptables-nft', () => {
    it('tells of changes of our chain and of what leads to it, and not of those of kube-proxy', async () => {
      const started = await start('iptables-nft');
      const backend = iptablesBackendOn(node, 'nft', 'IP-MASQ-AGENT', runner);
      const policy = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'] } });
      const moment = monotonicMs();
      await backend.apply(policy);
      for (let round = 0; round < 3; round++) {
        const chain = `KUBE-SVC-${round}`;
        await changeNatTable(node, 'nft', 'ipv4', `:${chain} - [0:0]`, `-A ${chain} -j RETURN`);
        await changeNatTable(node, 'nft', 'ipv4', `:${chain} - [0:0]`, `-A ${chain} -j ACCEPT`);
      }
      expect(await started.proveNoChangeSince(moment)).toBe(true);
      expect(changes).toBe(0);
      const damages = [
        ['-A', 'IP-MASQ-AGENT', '-j', 'RETURN'],
        ['-F', 'POSTROUTING'],
        ['-F', 'IP-MASQ-AGENT'],
        ['-E', 'IP-MASQ-AGENT', 'FOREIGN'],
      ];
      for (const [index, damage] of damages.entries()) {
        await node.run('iptables-nft', '-t', 'nat', ...damage);
        await expect.poll(() => changes, { message: damage.join(' ') }).toBe(index + 1);
      }
      await node.run('nft', 'delete', 'table', 'ip', 'nat');
      await expect.poll(() => changes).toBe(damages.length + 1);
      expect(await backend.observe(policy)).toMatchObject({ state: 'absent' });
    });
  });
});
