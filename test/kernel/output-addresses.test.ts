import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { policyWith } from '../builders/policy.ts';
import { backendNames, type Candidate, createCandidate } from './candidate.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { addresses, links } from './harness/topology.ts';

const second = { ipv4: '198.51.100.20', ipv6: '2001:db8:1::20' } as const;
const pod = addresses.ipv4.pod;

describeKernel('the address of masqueraded connections', () => {
  describe.each(backendNames)('%s', (name) => {
    let candidate: Candidate;
    beforeAll(async () => {
      candidate = await createCandidate(name);
      await candidate.bed.node.run('ip', 'address', 'add', `${second.ipv4}/32`, 'dev', links.world);
      await candidate.bed.node.run('ip', 'address', 'add', `${second.ipv6}/128`, 'dev', links.world);
    });
    afterAll(() => candidate.bed.close());

    it.each(['udp', 'tcp'] as const)('is chosen by destination and by source, over %s', async (protocol) => {
      const { backend, bed } = candidate;
      await backend.apply(
        policyWith({
          ipv4: {
            keepDestinations: ['10.0.0.0/8'],
            outputs: [
              { address: second.ipv4, destinations: ['203.0.113.0/24'] },
              { address: second.ipv4, sources: ['10.244.9.0/24'] },
            ],
          },
          ipv6: { outputs: [{ address: second.ipv6, destinations: ['2001:db8:9::/48'] }] },
        }),
      );
      const seen = await bed.probe([
        { protocol, source: pod, destination: '203.0.113.8' },
        { protocol, source: pod, destination: '192.0.2.8' },
        { protocol, source: '10.244.9.7', destination: '192.0.2.8' },
        { protocol, source: pod, destination: '10.9.9.9' },
        { protocol, source: addresses.ipv6.pod, destination: '2001:db8:9::1' },
      ]);
      expect(seen.map(({ verdict, ...rest }) => [verdict, 'address' in rest ? rest.address : undefined])).toEqual([
        ['masquerade', second.ipv4],
        ['masquerade', addresses.ipv4.node],
        ['masquerade', second.ipv4],
        ['keep', pod],
        ['masquerade', second.ipv6],
      ]);
    });

    it('comes with a port of the ranges, and is found in sync', async () => {
      const { backend, bed } = candidate;
      const policy = policyWith({
        ipv4: { outputs: [{ address: second.ipv4 }] },
        ipv6: { outputs: [{ address: second.ipv6 }] },
        toPorts: [
          { first: 20_000, last: 20_099 },
          { first: 30_000, last: 30_199 },
        ],
      });
      await backend.apply(policy);
      const sources = [pod, addresses.ipv6.pod];
      const flows = sources.flatMap((source) =>
        Array.from({ length: 10 }, () => ({ source, destination: source === pod ? '203.0.113.8' : '2001:db8:9::1' })),
      );
      for (const verdict of await bed.probe(flows)) {
        const { address, port } = verdict.verdict === 'lost' ? { address: 'lost', port: 0 } : verdict;
        expect([second.ipv4, second.ipv6]).toContain(address);
        expect((port >= 20_000 && port < 20_100) || (port >= 30_000 && port < 30_200)).toBe(true);
      }
      expect(await backend.observe(policy)).toMatchObject({ state: 'in-sync' });
    });
  });
});
