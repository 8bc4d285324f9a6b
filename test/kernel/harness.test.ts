import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeKernel } from './harness/describe-kernel.ts';
import { Flood } from './harness/flood/flood.ts';
import { namespaceRunner } from './harness/namespace.ts';
import { type Flow, TestBed } from './harness/test-bed.ts';
import { addresses } from './harness/topology.ts';

const masqueradeAllBut = (kept: string) => `table ip nat-under-test {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip daddr ${kept} return
    masquerade fully-random
  }
}
`;

describeKernel('the harness itself', () => {
  let bed: TestBed;
  beforeAll(async () => {
    bed = await TestBed.create();
  });
  afterAll(() => bed.close());
  beforeEach(() => bed.node.run('nft', 'flush', 'ruleset'));

  const load = (ruleset: string) => bed.node.feed(ruleset, 'nft', '--file', '-');

  it.each(['udp', 'tcp', 'icmp'] as const)(
    'sees every %s connection arrive unchanged where there are no rules',
    async (protocol) => {
      const flows: Flow[] = [
        { source: addresses.ipv4.pod, destination: '203.0.113.8' },
        { source: '172.16.3.4', destination: '10.16.9.9' },
        { source: '8.8.8.8', destination: '8.8.8.8' },
        { source: addresses.ipv4.pod, destination: '169.254.169.254' },
        { source: addresses.ipv6.pod, destination: '2001:4860::8888' },
        { source: 'fd12::7', destination: 'fd34::8' },
        { from: 'node', source: addresses.ipv4.node, destination: '203.0.113.8' },
        { from: 'node', source: addresses.ipv6.nodeTowardsPod, destination: 'fe80::7%world' },
      ];
      const verdicts = await bed.probe(flows.map((flow) => ({ ...flow, protocol })));
      expect(verdicts).toEqual(
        flows.map(({ source }) => expect.objectContaining({ verdict: 'keep', address: source })),
      );
    },
  );

  it.each(['udp', 'tcp'] as const)(
    'sees %s connections to the node, within it, and back to the pod',
    async (protocol) => {
      const flows: Flow[] = [
        { source: addresses.ipv4.pod, destination: addresses.ipv4.node },
        { from: 'node', source: addresses.ipv4.node, destination: addresses.ipv4.nodeTowardsPod },
        { from: 'world', source: '203.0.113.8', destination: addresses.ipv4.pod },
      ];
      const verdicts = await bed.probe(flows.map((flow) => ({ ...flow, protocol })));
      expect(verdicts).toEqual(
        flows.map(({ source }) => expect.objectContaining({ verdict: 'keep', address: source })),
      );
    },
  );

  it.each(['udp', 'tcp', 'icmp'] as const)('sees masqueraded %s connections come from the node', async (protocol) => {
    await load(masqueradeAllBut('10.0.0.0/8'));
    const verdicts = await bed.probe([
      { protocol, source: addresses.ipv4.pod, destination: '203.0.113.8' },
      { protocol, source: addresses.ipv4.pod, destination: '10.16.9.9' },
    ]);
    expect(verdicts).toMatchObject([
      { verdict: 'masquerade', address: addresses.ipv4.node },
      { verdict: 'keep', address: addresses.ipv4.pod },
    ]);
  });

  it('tells the own address of the node, masqueraded to itself, by its port', async () => {
    await load(masqueradeAllBut('10.0.0.0/8'));
    const [verdict] = await bed.probe([{ from: 'node', source: addresses.ipv4.node, destination: '203.0.113.8' }]);
    expect(verdict).toMatchObject({ verdict: 'masquerade', address: addresses.ipv4.node });
  });

  it('never judges a connection by the rules of an earlier one', async () => {
    const flow = { source: addresses.ipv4.pod, destination: '203.0.113.8' };
    for (let round = 0; round < 5; round++) {
      await load(masqueradeAllBut('10.0.0.0/8'));
      expect(await bed.probe([flow])).toMatchObject([{ verdict: 'masquerade' }]);
      await bed.node.run('nft', 'flush', 'ruleset');
      expect(await bed.probe([flow])).toMatchObject([{ verdict: 'keep' }]);
    }
  });

  it('reports what the rules drop as lost', async () => {
    await load(`table ip drops {
  chain forward {
    type filter hook forward priority filter; policy accept;
    ip daddr 203.0.113.8 drop
  }
}
`);
    const verdicts = await bed.probe([
      { source: addresses.ipv4.pod, destination: '203.0.113.8' },
      { source: addresses.ipv4.pod, destination: '203.0.113.9' },
    ]);
    expect(verdicts).toMatchObject([{ verdict: 'lost' }, { verdict: 'keep' }]);
  });

  it('keeps thousands of verdicts in the order of their flows', async () => {
    await load(masqueradeAllBut('10.0.0.0/8'));
    const flows = Array.from({ length: 5_000 }, (_, index) => ({
      source: `10.244.${index % 200}.${index % 250}`,
      destination: `${index % 3 === 0 ? 10 : 203}.0.${index >> 8}.${index & 255}`,
    }));
    const verdicts = await bed.probe(flows);
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(
      flows.map(({ destination }) => (destination.startsWith('10.') ? 'keep' : 'masquerade')),
    );
  });

  it('counts the connections of a flood and who was judged wrongly', async () => {
    await load(masqueradeAllBut('10.0.0.0/8'));
    const flood = await Flood.start(bed, { kept: ['10.99.0.0/16'], masqueraded: ['203.0.0.0/16'] });
    await waitUntil(async () => (await flood.counts()).newConnections > 20_000);
    const before = await flood.counts();
    expect([before.kept.wrong, before.masqueraded.wrong]).toEqual([0, 0]);

    await load(`flush chain ip nat-under-test postrouting\n${masqueradeAllBut('203.0.0.0/8')}`);
    await waitUntil(async () => (await flood.counts()).masqueraded.wrong > 0);
    const { newConnections, kept, masqueraded } = await flood.stop();
    expect(kept.wrong).toBeGreaterThan(0);
    expect(kept.right + kept.wrong + masqueraded.right + masqueraded.wrong).toBe(newConnections);
  });

  it('catches with a flood that re-creating a table is not hitless', async () => {
    const recreate = `table ip nat-under-test\ndelete table ip nat-under-test\n${masqueradeAllBut('{ 10.0.0.0/8, 172.16.0.0/12 }')}`;
    await load(recreate);
    const flood = await Flood.start(bed, { kept: ['10.99.0.0/16'], masqueraded: ['203.0.0.0/16'] });
    await waitUntil(async () => {
      await load(recreate);
      return (await flood.counts()).kept.wrong > 0;
    });
    await flood.stop();
  });

  it('runs tools of the agent in the node, and tells a missing one', async () => {
    const runner = namespaceRunner(bed.node);
    const { stdout } = await runner.run({ tool: 'ip', args: ['-brief', 'address', 'show', 'dev', 'world'] });
    expect(stdout).toContain(addresses.ipv4.node);
    await expect(runner.run({ tool: 'no-such-tool', args: [] })).rejects.toMatchObject({ code: 'TOOL_MISSING' });
  });

  it('swaps the data of a ConfigMap like the kubelet', async () => {
    const { config } = bed;
    await config.write({ config: 'one', other: 'text' });
    const first = await readlink(join(config.directory, '..data'));
    expect(await readlink(join(config.directory, 'config'))).toBe('..data/config');
    await config.write({ config: 'one', other: 'text' });
    expect(await readlink(join(config.directory, '..data'))).toBe(first);
    await config.write({ config: 'two' });
    const second = await readlink(join(config.directory, '..data'));
    expect(new Set(await readdir(config.directory))).toEqual(new Set(['..data', second, 'config']));
    expect(await readFile(join(config.directory, 'config'), 'utf8')).toBe('two');
  });

  it('leaves nothing behind', async () => {
    const other = await TestBed.create();
    await other.close();
    const { stdout } = await namespaceRunner(bed.node).run({ tool: 'ip', args: ['netns', 'list'] });
    expect(stdout).toContain(bed.node.name);
    expect(stdout).not.toContain(other.node.name);
    await expect(readdir(other.directory)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

async function waitUntil(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('it did not happen within 30 s');
  }
}
