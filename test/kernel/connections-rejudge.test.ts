import { afterEach, beforeEach, expect, it } from 'vitest';
import { AgentProcess } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { type Flow, TestBed } from './harness/test-bed.ts';
import { addresses } from './harness/topology.ts';
import { connectionsOn } from './live-flows/connections-command.ts';
import { type LiveFlow, LiveFlows, startMirror } from './live-flows/live-flows.ts';

const { pod, node } = addresses.ipv4;
const far = '203.0.113.8';
const elsewhere = '192.0.2.7';
/** Where kube-proxy sends what comes to the NodePort. */
const backend = '10.50.0.9';
const kept = '10.8.8.8';
const port = 5000;
const keepsTen = 'nonMasqueradeCIDRs: [10.0.0.0/8]\n';
const keepsFar = 'nonMasqueradeCIDRs: [10.0.0.0/8, 203.0.113.0/24]\n';

let nextPort = 20_000;

function flow(protocol: 'udp' | 'tcp', destination: string, source: string = pod): LiveFlow {
  return { protocol, source, sourcePort: nextPort++, destination, port };
}

describeKernel('live connections beside the policy', () => {
  let bed: TestBed;
  beforeEach(async () => {
    bed = await TestBed.create();
    await bed.node.run('sysctl', '--quiet', '--write', 'net.netfilter.nf_conntrack_udp_timeout=120');
    await startMirror(bed.world, port, [far, elsewhere, backend, kept]);
  });
  afterEach(() => bed.close());

  async function apply(config: string, ...flags: string[]): Promise<void> {
    await bed.config.write({ config });
    const agent = bed.startAgent('run', '--once', ...flags);
    const { code } = await agent.exited;
    if (code !== 0) throw new Error(agent.output);
  }

  it('are reported and, told to, judged anew with the next packet; all others lose nothing', async () => {
    await apply(keepsFar);
    const stale = await LiveFlows.open(bed.pod, [flow('udp', far)]);
    const otherFlows = Array.from({ length: 500 }, () => [flow('udp', elsewhere), flow('tcp', elsewhere)]).flat();
    const others = await LiveFlows.open(bed.pod, otherFlows);
    expect(await stale.seen()).toEqual([pod]);
    expect(new Set(await others.seen())).toEqual(new Set([node]));

    await apply(keepsTen);
    const before = await connectionsOn(bed);
    expect(before.report).toMatchObject({
      masqueraded: 1000,
      kept: 1,
      others: 0,
      otherwise: {
        count: 1,
        top: [
          {
            protocol: 'udp',
            source: pod,
            destination: far,
            port,
            is: { verdict: 'keep', address: null },
            should: { verdict: 'masquerade', address: null },
            count: 1,
          },
        ],
      },
      deleted: 0,
    });
    // Without being told, the connection goes on as before.
    expect(await stale.seen()).toEqual([pod]);

    const after = await connectionsOn(bed, '--rejudge', 'udp');
    expect(after).toMatchObject({ code: 0, report: { deleted: 1 } });
    expect(await stale.seen()).toEqual([node]);
    expect(new Set(await others.seen())).toEqual(new Set([node]));
    expect((await connectionsOn(bed)).report).toMatchObject({ otherwise: { count: 0, top: [] } });
  });

  it('of TCP are deleted by `all` only, and break by it', async () => {
    await apply(keepsFar);
    const flows = await LiveFlows.open(bed.pod, [flow('tcp', far), flow('udp', far)]);
    expect(await flows.seen()).toEqual([pod, pod]);
    await apply(keepsTen);
    expect((await connectionsOn(bed, '--rejudge', 'udp')).report).toMatchObject({
      deleted: 1,
      otherwise: { count: 2 },
    });
    expect(await flows.seen()).toEqual([pod, node]);
    expect((await connectionsOn(bed, '--rejudge', 'all')).report).toMatchObject({
      deleted: 1,
      otherwise: { count: 1 },
    });
    expect(await flows.seen()).toEqual([null, node]);
  });

  it.each([['--random-fully=true'], ['--random-fully=false']])(
    'of the node itself are never judged otherwise (%s)',
    async (random) => {
      await apply(keepsFar, random);
      const flows = await LiveFlows.open(bed.node, [flow('udp', far, node), flow('tcp', far, node)]);
      await apply(keepsTen, random);
      const masqueraded = await LiveFlows.open(bed.node, [flow('udp', far, node), flow('tcp', far, node)]);
      await apply(keepsFar, random);
      expect((await connectionsOn(bed, '--rejudge', 'all', random)).report).toMatchObject({
        otherwise: { count: 0 },
        deleted: 0,
      });
      expect(await flows.seen()).toEqual([node, node]);
      expect(await masqueraded.seen()).toEqual([node, node]);
    },
  );

  it('through a Service are judged by the translated destination, and survive where they are masqueraded', async () => {
    await bed.node.feed(kubeProxy, 'nft', '-f', '-');
    await apply(keepsFar);
    const services = await LiveFlows.open(bed.pod, [
      // To far by way of a Service, kept by our rules.
      flow('udp', '10.96.0.10'),
      // A NodePort: masqueraded by kube-proxy to where our rules keep.
      flow('tcp', node),
    ]);
    expect(await services.seen()).toEqual([pod, node]);
    // Both agree with the policy, or are kube-proxy's.
    expect((await connectionsOn(bed)).report).toMatchObject({ otherwise: { count: 0 }, others: 1 });

    await apply(keepsTen);
    expect((await connectionsOn(bed, '--rejudge', 'all')).report).toMatchObject({
      otherwise: { count: 1, top: [{ source: pod, destination: far }] },
      others: 1,
      deleted: 1,
    });
    expect(await services.seen()).toEqual([node, node]);
  });

  it.each([
    ['a masquerade rule', 'ip daddr 203.0.113.0/24 masquerade', keepsFar, node],
    ['a snat rule', 'ip daddr 203.0.113.0/24 snat to 198.51.100.77', keepsFar, '198.51.100.77'],
    [
      'a snat rule, to an address that the node has not,',
      'ip daddr 203.0.113.0/24 snat to 198.51.100.77',
      keepsTen,
      '198.51.100.77',
    ],
    ['a rule by mark', 'meta mark 0x0 ip daddr 203.0.113.0/24 masquerade', keepsFar, node],
  ])('that %s of another program caught before ours survive', async (_, rule, config, address) => {
    await bed.node.feed(foreignTable(rule), 'nft', '-f', '-');
    await apply(config);
    const flows = await LiveFlows.open(bed.pod, [flow('udp', far), flow('tcp', far)]);
    expect(await flows.seen()).toEqual([address, address]);
    expect((await connectionsOn(bed, '--rejudge', 'all')).report).toMatchObject({
      otherwise: { count: 0 },
      others: 2,
      deleted: 0,
    });
    expect(await flows.seen()).toEqual([address, address]);
  });

  it('that an accept of another program keeps before our jump survive', async () => {
    const iptables = (...args: string[]) => bed.node.run('iptables-nft', '-w', '-t', 'nat', ...args);
    await apply(keepsTen, '--backend', 'iptables-nft');
    await iptables('-I', 'POSTROUTING', '-d', '203.0.113.0/24', '-j', 'ACCEPT');
    await iptables('-A', 'POSTROUTING', '-d', '203.0.113.0/24', '-j', 'MASQUERADE');
    const flows = await LiveFlows.open(bed.pod, [flow('udp', far), flow('tcp', far)]);
    expect(await flows.seen()).toEqual([pod, pod]);
    const { report } = await connectionsOn(bed, '--rejudge', 'all', '--backend', 'iptables-nft');
    expect(report).toMatchObject({ otherwise: { count: 0 }, others: 2, deleted: 0 });
    expect(await flows.seen()).toEqual([pod, pod]);
  });

  it('are not deleted while the kernel does not hold the policy', async () => {
    await apply(keepsFar);
    const flows = await LiveFlows.open(bed.pod, [flow('udp', far)]);
    await bed.config.write({ config: keepsTen });
    const { code, stderr } = await connectionsOn(bed, '--rejudge', 'all');
    expect(code).toBe(4);
    expect(stderr).toContain('nothing was deleted');
    expect(await flows.seen()).toEqual([pod]);
    expect((await connectionsOn(bed)).code).toBe(4);
  });

  it('may be of either family, of ICMP and of SCTP', async () => {
    const ipv6 = '--enable-ipv6';
    await apply(`nonMasqueradeCIDRs: [0.0.0.0/0, '::/0']\n`, ipv6);
    const flows: Flow[] = [
      { source: pod, destination: far },
      { source: pod, destination: far, protocol: 'icmp' },
      { source: addresses.ipv6.pod, destination: '2001:db8:9::9' },
      { source: addresses.ipv6.pod, destination: '2001:db8:9::9', protocol: 'icmp' },
    ];
    await bed.probe(flows);
    const sctp = ['-p', 'sctp', '--state', 'ESTABLISHED', '--orig-vtag', '1', '--reply-vtag', '2', '-t', '100'];
    await bed.node.run('conntrack', '-I', ...sctp, '-s', pod, '-d', far, '--sport', '5000', '--dport', '36412');
    await apply(keepsTen, ipv6);
    const { report } = await connectionsOn(bed, '--rejudge', 'all', ipv6);
    expect(report?.otherwise.top.map(({ protocol, port: to }) => [protocol, to !== null]).toSorted()).toEqual([
      ['icmp', false],
      ['icmpv6', false],
      ['sctp', true],
      ['udp', true],
      ['udp', true],
    ]);
    expect(report).toMatchObject({ otherwise: { count: 5 }, deleted: 5 });
    expect((await connectionsOn(bed, ipv6)).report).toMatchObject({ otherwise: { count: 0 } });
  });

  it('are not deleted where Node gives no socket', async () => {
    await apply(keepsTen);
    const { node: namespace, config } = bed;
    const args = ['connections', '--rejudge', 'udp', '--config', config.directory];
    const command = new AgentProcess(namespace, args, { NODE_OPTIONS: '--no-experimental-ffi' });
    expect((await command.exited).code).toBe(3);
    expect(command.output).toContain('connections are deleted through a netlink socket');
  });

  it('in other zones are left out', async () => {
    const zone = `table inet zones {
  chain raw {
    type filter hook prerouting priority raw;
    ip saddr 10.99.0.1 ct zone set 7
    ip daddr 10.99.0.1 ct zone set 7
  }
}
`;
    await bed.node.feed(zone, 'nft', '-f', '-');
    await apply(keepsTen);
    const flows = await LiveFlows.open(bed.pod, [flow('udp', kept), flow('udp', kept, '10.99.0.1')]);
    expect(await flows.seen()).toEqual([pod, '10.99.0.1']);
    expect((await connectionsOn(bed)).report).toMatchObject({ total: 1 });
  });
});

/** What kube-proxy's nftables mode does for a Service and a NodePort, in short. */
const kubeProxy = `table ip kube-proxy {
  chain services {
    type nat hook prerouting priority dstnat;
    ip daddr 10.96.0.10 dnat to ${far}
    ip daddr ${node} tcp dport ${port} meta mark set 0x4000 dnat to ${backend}
  }
  chain nat-postrouting {
    type nat hook postrouting priority srcnat;
    jump masquerading
  }
  chain masquerading {
    meta mark & 0x4000 == 0 return
    meta mark set meta mark ^ 0x4000
    masquerade fully-random
  }
}
`;

function foreignTable(rule: string): string {
  return `table ip foreign {
  chain postrouting {
    type nat hook postrouting priority srcnat - 5;
    ${rule}
  }
}
`;
}
