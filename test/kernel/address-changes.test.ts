import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { backendNames } from './candidate.ts';
import { AgentProcess, nodeOptions } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { Flood } from './harness/flood/flood.ts';
import { TestBed } from './harness/test-bed.ts';
import { addresses, links } from './harness/topology.ts';

const second = { ipv4: '198.51.100.20', ipv6: '2001:db8:1::20' } as const;
/** Where the flood goes: the flood calls `wrong` what does not come from the node's first address. */
const plan = { kept: [], masqueraded: ['203.0.0.0/16', '2001:db8:9::/64'], rate: 4_000 };
/** The contract says 100 ms and the cost of one change; a busy machine gets five times that. */
const limitMs = (tookMs: number): number => 5 * (100 + tookMs);
const settleMs = 300;

const config = `outputAddress: ${second.ipv4}\noutputAddressIPv6: ${second.ipv6}\n`;

describeKernel('a change of the addresses of the node', () => {
  const beds: TestBed[] = [];
  const living: ChildProcess[] = [];
  afterEach(async () => {
    for (const process of living.splice(0)) process.kill('SIGKILL');
    await Promise.all(beds.splice(0).map((bed) => bed.close()));
  });

  async function createBed(text: string): Promise<TestBed> {
    const bed = await TestBed.create();
    beds.push(bed);
    await bed.config.write({ config: text });
    return bed;
  }

  async function start(bed: TestBed, backend: string, options = nodeOptions): Promise<AgentProcess> {
    const flags = ['--backend', backend, '--enable-ipv6', '--resync-interval=1h', '--log-level=debug'];
    const agent = new AgentProcess(bed.node, ['--config', bed.config.directory, ...flags], {}, options);
    await agent.waitFor(/rules applied/);
    return agent;
  }

  async function changeSecond(bed: TestBed, verb: 'add' | 'delete', families = Object.values(second)): Promise<void> {
    for (const address of families) {
      const prefix = address.includes(':') ? 128 : 32;
      await bed.node.run('ip', 'address', verb, `${address}/${prefix}`, 'dev', links.world);
    }
  }

  /** Connections of one socket each, which send without end, to where the flood does not go. */
  function keepAlive(bed: TestBed): void {
    for (const destination of ['198.18.0.9', '2001:db8:a::9']) {
      const script = `exec 3>/dev/udp/${destination}/4444; while :; do echo x >&3; sleep 0.05; done`;
      const { tool, args } = bed.pod.inside('bash', ['-c', script]);
      living.push(spawn(tool, args, { stdio: 'ignore' }));
    }
  }

  async function countLiving(bed: TestBed): Promise<{ readonly right: number; readonly wrong: number }[]> {
    const text = await bed.world.run('nft', 'list', 'table', 'inet', 'living');
    const counts = [...text.matchAll(/packets (\d+)/g)].map(([, packets]) => Number(packets));
    const [right4 = 0, wrong4 = 0, right6 = 0, wrong6 = 0] = counts;
    return [
      { right: right4, wrong: wrong4 },
      { right: right6, wrong: wrong6 },
    ];
  }

  const livingCounters = `table inet living {
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    ip daddr 198.18.0.9 udp dport 4444 ip saddr ${second.ipv4} counter drop
    ip daddr 198.18.0.9 udp dport 4444 ip saddr != ${second.ipv4} counter drop
    ip6 daddr 2001:db8:a::9 udp dport 4444 ip6 saddr ${second.ipv6} counter drop
    ip6 daddr 2001:db8:a::9 udp dport 4444 ip6 saddr != ${second.ipv6} counter drop
  }
}
`;

  describe.each(backendNames)('on %s', (backend) => {
    it('is followed at once: no new connection gets an address that went, and those that live keep it', async () => {
      const bed = await createBed(config);
      await changeSecond(bed, 'add');
      await bed.world.feed(livingCounters, 'nft', '-f', '-');
      const agent = await start(bed, backend);
      keepAlive(bed);
      const flood = await Flood.start(bed, plan);
      await sleep(settleMs);

      /** Makes a change, and gives the counts from when it is in force to a while later. */
      const during = async (verb: 'add' | 'delete') => {
        const from = agent.lines.length;
        const startedAt = performance.now();
        await changeSecond(bed, verb);
        let tookMs = 0;
        // The addresses of the two families may make two changes.
        const isDone = (): boolean => {
          const lines = agent.lines.slice(from).filter(({ text }) => /rules changed/.test(text));
          tookMs = lines.reduce((sum, { text }) => sum + Number(/took=(\d+)ms/.exec(text)?.[1] ?? 0), 0);
          const last = lines.at(-1)?.text ?? '';
          const wanted = verb === 'add' ? [second.ipv4, second.ipv6] : [];
          const settings = /settings="([^"]*)"/.exec(last)?.[1] ?? '';
          return settings !== '' && stateAfter(settings, wanted);
        };
        while (!isDone() && performance.now() - startedAt < 20_000) await sleep(5);
        expect(performance.now() - startedAt, agent.output).toBeLessThan(limitMs(tookMs));
        await sleep(settleMs);
        const before = (await flood.counts()).masqueraded;
        await sleep(1_000);
        const after = (await flood.counts()).masqueraded;
        return { first: after.right - before.right, second: after.wrong - before.wrong };
      };

      const gone = await during('delete');
      expect(gone.second).toBe(0);
      expect(gone.first).toBeGreaterThan(100);
      const back = await during('add');
      expect(back.first).toBe(0);
      expect(back.second).toBeGreaterThan(100);
      await flood.stop();
      for (const { right, wrong } of await countLiving(bed)) {
        expect(wrong).toBe(0);
        expect(right).toBeGreaterThan(10);
      }
      await agent.stop();
    });

    it('costs nothing where no config names any, and is not looked at where it is of another address', async () => {
      const bed = await createBed('nonMasqueradeCIDRs: [10.0.0.0/8]\n');
      const agent = await start(bed, backend);
      expect(await routeSockets(bed)).toBe(0);

      const from = agent.lines.length;
      await bed.config.write({ config });
      // Neither address is there: the rules stay as they are.
      await agent.waitFor(/this address is not used: the node does not have this address/, { from });
      await expect.poll(() => routeSockets(bed)).toBe(1);
      const next = agent.lines.length;
      await bed.node.run('ip', 'address', 'add', '198.51.100.99/32', 'dev', links.world);
      await changeSecond(bed, 'add', [second.ipv4]);
      await agent.waitFor(/rules changed.*trigger=address-change/, { from: next });
      expect(agent.lines.slice(next).filter(({ text }) => text.includes('address-change'))).toHaveLength(1);

      await bed.config.write({ config: 'nonMasqueradeCIDRs: [10.0.0.0/8]\n' });
      await agent.waitFor(/rules changed.*trigger=config-change/, { from: next });
      await expect.poll(() => routeSockets(bed)).toBe(0);
      await agent.stop();
    });

    it('leaves the node with its own address of a network, whatever is on kube-ipvs0', async () => {
      const text = 'outputAddress: 192.0.2.128/25\noutputAddressIPv6: 2001:db8:2::/64\n';
      const own = [
        ['192.0.2.129', '2001:db8:2::129'],
        ['192.0.2.200', '2001:db8:2::200'],
      ] as const;
      for (const [ipv4, ipv6] of own) {
        const bed = await createBed(text);
        const services = Array.from({ length: 60 }, (_, index) => [
          `address add 192.0.2.${131 + index}/32 dev kube-ipvs0`,
          `address add 2001:db8:2::${1_000 + index}/128 dev kube-ipvs0`,
        ]).flat();
        const lines = [
          // A dummy device, on a node; not every kernel has that type.
          'link add kube-ipvs0 type veth peer name ipvs-peer',
          ...services,
          `address add ${ipv4}/25 dev ${links.world}`,
          `address add 192.0.2.250/25 dev ${links.world}`,
          `address add ${ipv6}/64 dev ${links.world}`,
          `address add 2001:db8:2::fe/128 dev ${links.world}`,
        ];
        await bed.node.feed(`${lines.join('\n')}\n`, 'ip', '-batch', '-');
        const agent = await start(bed, backend);
        const seen = await bed.probe([
          { source: addresses.ipv4.pod, destination: '203.0.113.8' },
          { source: addresses.ipv6.pod, destination: '2001:db8:9::1' },
        ]);
        expect(seen).toMatchObject([{ address: ipv4 }, { address: ipv6 }]);
        await agent.stop();
      }
    });
  });

  it('is followed beside an invalid config as well', async () => {
    const bed = await createBed(config);
    await changeSecond(bed, 'add');
    const agent = await start(bed, 'nft');
    await bed.config.write({ config: 'outputAddress: nonsense\n' });
    await agent.waitFor(/config rejected/);
    await changeSecond(bed, 'delete');
    const flows = [
      { source: addresses.ipv4.pod, destination: '203.0.113.8' },
      { source: addresses.ipv6.pod, destination: '2001:db8:9::1' },
    ];
    await agent.waitFor(/rules changed.*trigger=address-change/);
    await expect
      .poll(() => bed.probe(flows), { timeout: 5_000 })
      .toMatchObject([{ address: addresses.ipv4.node }, { address: addresses.ipv6.node }]);
    await agent.stop();
  });

  it('is seen at the resync where Node gives no access to netlink, which is said once', async () => {
    const bed = await createBed(`${config}resyncInterval: 1s\n`);
    await changeSecond(bed, 'add');
    const flags = ['--backend=nft', '--enable-ipv6', '--log-level=debug'];
    const options = [...nodeOptions, '--no-experimental-ffi'];
    const agent = new AgentProcess(bed.node, ['--config', bed.config.directory, ...flags], {}, options);
    await agent.waitFor(/rules applied/);
    // Past the looks that follow the start.
    await agent.waitFor(/rules in sync.*trigger=resync/);
    await changeSecond(bed, 'delete');
    await agent.waitFor(/rules changed/);
    await sleep(2_500);
    expect(agent.output.match(/changes of the node's addresses can't be heard/g)).toHaveLength(1);
    await agent.stop();
  });
});

/** Whether a change of the settings, as logged, ends in just these output addresses. */
function stateAfter(settings: string, wanted: readonly string[]): boolean {
  const end = settings.split(' -> ').at(-1) ?? '';
  return Object.values(second).every((address) => end.includes(address) === wanted.includes(address));
}

/** Sockets in the node that hear the groups of addresses, as the kernel lists them: of the agent, nobody else is there. */
async function routeSockets(bed: TestBed): Promise<number> {
  const text = await bed.node.run('cat', '/proc/net/netlink');
  // Columns: socket, protocol, port, groups.
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, protocol, , groups]) => protocol === '0' && Number(`0x${groups}`) === 0x110).length;
}
