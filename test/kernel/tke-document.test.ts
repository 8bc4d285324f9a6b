import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeKernel } from './harness/describe-kernel.ts';
import { type Flow, TestBed } from './harness/test-bed.ts';
import { addresses } from './harness/topology.ts';

type Verdict = 'keep' | 'masquerade';

const pod = addresses.ipv4.pod;

/** The network modes of the TKE document, each with the verdicts that it promises. */
const documented: readonly (readonly [
  mode: string,
  config: string,
  cases: readonly (readonly [source: string, destination: string, Verdict])[],
])[] = [
  [
    'GlobalRouter: RFC 1918 kept, public masqueraded',
    'NonMasqueradeCIDRs: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16]\nMasqLinkLocal: true\nResyncInterval: 1m0s\n',
    [
      [pod, '10.16.9.9', 'keep'],
      [pod, '172.31.255.255', 'keep'],
      [pod, '192.168.1.1', 'keep'],
      [pod, '203.0.113.8', 'masquerade'],
      [pod, '172.32.0.1', 'masquerade'],
      [pod, '169.254.169.254', 'masquerade'],
    ],
  ],
  [
    'VPC-CNI: everything kept',
    '{"NonMasqueradeCIDRs":["0.0.0.0/0"],"MasqLinkLocal":true,"MasqLinkLocalIPv6":false,"ResyncInterval":"1m0s"}',
    [
      [pod, '203.0.113.8', 'keep'],
      [pod, '10.16.9.9', 'keep'],
      [pod, '169.254.169.254', 'keep'],
      ['172.16.3.4', '8.8.8.8', 'keep'],
    ],
  ],
  [
    'mixed: the sources of the VPC kept, those of the cluster network masqueraded',
    'NonMasqueradeCIDRs:\n- 10.0.0.0/8\n- 172.16.0.0/12\n- 192.168.0.0/16\nNonMasqueradeSrcCIDRs: [172.16.0.0/16, 10.16.0.0/16]\n',
    [
      ['10.244.7.2', '203.0.113.8', 'masquerade'],
      ['172.16.3.4', '203.0.113.8', 'keep'],
      ['10.16.9.9', '203.0.113.8', 'keep'],
      ['172.17.0.1', '203.0.113.8', 'masquerade'],
      ['10.244.7.2', '192.168.7.7', 'keep'],
    ],
  ],
  [
    'the sample: link-local masqueraded, sources in 10.0.0.0/12 kept',
    'NonMasqueradeCIDRs:\n  - 192.168.0.0/16\nNonMasqueradeSrcCIDRs:\n  - 10.0.0.0/12\nMasqLinkLocal: true\nMasqLinkLocalIPv6: false\nResyncInterval: 1m0s\n',
    [
      ['10.15.255.255', '203.0.113.8', 'keep'],
      ['10.16.0.0', '203.0.113.8', 'masquerade'],
      ['10.244.7.2', '192.168.200.1', 'keep'],
      ['10.244.7.2', '169.254.169.254', 'masquerade'],
      ['10.3.2.1', '169.254.169.254', 'keep'],
      ['10.244.7.2', '10.1.2.3', 'masquerade'],
    ],
  ],
];

describeKernel('the cases of the TKE document, through the agent', () => {
  let bed: TestBed;
  beforeAll(async () => {
    bed = await TestBed.create();
  });
  afterAll(() => bed.close());

  it.each(documented)('%s', async (_, config, cases) => {
    await bed.config.write({ config });
    const agent = bed.startAgent('--backend', 'nft', '--once');
    expect(await agent.exited, agent.output).toEqual({ code: 0, signal: null });
    const flows: Flow[] = cases.flatMap(([source, destination]) => [
      { source, destination },
      { source, destination, protocol: 'tcp' as const },
    ]);
    const expected = cases.flatMap(([, , verdict]) => [verdict, verdict]);
    expect((await bed.probe(flows)).map(({ verdict }) => verdict)).toEqual(expected);
  });
});
