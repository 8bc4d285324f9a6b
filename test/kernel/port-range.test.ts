import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BackendName } from '../../src/backends/backend.ts';
import type { Family } from '../../src/net/family.ts';
import type { PortRange } from '../../src/net/port-range.ts';
import { policyWith } from '../builders/policy.ts';
import { backendNames, type Candidate, createCandidate } from './candidate.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import type { Verdict } from './harness/probe.ts';
import type { Flow, Protocol } from './harness/test-bed.ts';
import { addresses } from './harness/topology.ts';

const connections = 4000;
const low: PortRange = { first: 1024, last: 29_999 };
const high: PortRange = { first: 32_768, last: 65_535 };
/** The share of the low range, by the number of ports. */
const lowShare = 28_976 / (28_976 + 32_768);

/** Forced destinations are masqueraded by rules of their own in some backends: half of the connections go there. */
const policy = policyWith({
  toPorts: [low, high],
  ipv4: { forceMasquerade: ['10.9.0.0/16'], keepDestinations: ['10.0.0.0/8'] },
  ipv6: { forceMasquerade: ['fd00:9::/32'], keepDestinations: ['fd00::/8'] },
});
const destinations: Readonly<Record<Family, readonly [forced: string, other: string]>> = {
  ipv4: ['10.9.0.', '203.0.113.'],
  ipv6: ['fd00:9::', '2001:db8:9::'],
};

function flowsOf(family: Family, protocol: Protocol, count: number): Flow[] {
  return Array.from({ length: count }, (_, index) => ({
    protocol,
    source: addresses[family].pod,
    destination: `${destinations[family][index % 2 === 0 ? 0 : 1]}${1 + (index % 200)}`,
  }));
}

function isIn({ first, last }: PortRange, port: number): boolean {
  return port >= first && port <= last;
}

describeKernel('masqueraded source ports', () => {
  describe.each(backendNames)('with %s', (name: BackendName) => {
    let candidate: Candidate;
    beforeAll(async () => {
      candidate = await createCandidate(name);
    });
    afterAll(() => candidate.bed.close());

    it.each<[Family, Protocol]>([
      ['ipv4', 'udp'],
      ['ipv4', 'tcp'],
      ['ipv6', 'udp'],
      ['ipv6', 'tcp'],
    ])('of %s %s are in the ranges only, in proportion to their size', async (family, protocol) => {
      await candidate.backend.apply(policy);
      const ports = portsOf(await candidate.bed.probe(flowsOf(family, protocol, connections)), addresses[family].node);
      expect(ports.length).toBe(connections);
      const lowPorts = ports.filter((port) => isIn(low, port)).length;
      const highPorts = ports.filter((port) => isIn(high, port)).length;
      expect(lowPorts + highPorts).toBe(connections);
      expect(Math.abs(lowPorts / connections - lowShare)).toBeLessThan(0.05);
    });

    it.each<Family>(['ipv4', 'ipv6'])('do not matter to %s ICMP, which is masqueraded as well', async (family) => {
      await candidate.backend.apply(policy);
      const verdicts = await candidate.bed.probe(flowsOf(family, 'icmp', 10));
      expect(portsOf(verdicts, addresses[family].node).length).toBe(10);
    });

    it('are kept where they are free without --random-fully, and changed with it', async () => {
      const verdictWith = async (randomFully: boolean) => {
        await candidate.backend.apply(policyWith({ randomFully }));
        // Masquerading gives the node's connections the address that they have: only the port can change.
        const flows = Array.from({ length: 50 }, (_, index) => ({
          from: 'node' as const,
          source: addresses.ipv4.node,
          destination: `203.0.113.${1 + index}`,
        }));
        const verdicts = await candidate.bed.probe(flows);
        return verdicts.filter(({ verdict }) => verdict === 'masquerade').length;
      };
      expect(await verdictWith(false)).toBe(0);
      // One in 64,000 is given the port that it has.
      expect(await verdictWith(true)).toBeGreaterThanOrEqual(48);
    });
  });
});

/** The ports of the connections that were masqueraded to the address. */
function portsOf(verdicts: readonly Verdict[], address: string): number[] {
  return verdicts.flatMap((verdict) =>
    verdict.verdict === 'masquerade' && verdict.address === address ? [verdict.port] : [],
  );
}
