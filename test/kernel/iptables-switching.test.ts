import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Backend, BackendName } from '../../src/backends/backend.ts';
import { findLeftovers, removeLeftovers } from '../../src/backends/leftovers.ts';
import { createNftBackend } from '../../src/backends/nft/backend.ts';
import { policyWith } from '../builders/policy.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { Flood, type FloodCounts } from './harness/flood/flood.ts';
import { TestBed } from './harness/test-bed.ts';
import { iptablesBackendOn, legacyTablesOf } from './iptables-node.ts';

/** How an agent was started: the backend, and --masq-chain. */
type Setting = readonly [backend: BackendName, chain: string];

const usual = 'IP-MASQ-AGENT';
const renamed = 'FORMER';

/** Goes through every switch between two settings, in both directions. */
const tour: readonly Setting[] = [
  ['nft', usual],
  ['iptables-nft', usual],
  ['iptables-legacy', usual],
  ['nft', usual],
  ['iptables-legacy', usual],
  ['iptables-nft', usual],
  ['iptables-nft', renamed],
  ['iptables-nft', usual],
  ['iptables-legacy', renamed],
  ['iptables-legacy', usual],
  ['nft', usual],
];

const policy = policyWith({
  ipv4: { keepDestinations: ['10.99.0.0/16'], forceMasquerade: ['203.0.0.0/17'] },
  ipv6: { keepDestinations: ['fd00:99::/32'] },
});
const otherPolicy = policyWith({
  ipv4: { keepDestinations: ['10.99.0.0/16', '10.98.0.0/16'] },
  ipv6: { keepSources: ['fd00:1::/32'], keepDestinations: ['fd00:99::/32'] },
});

describeKernel('switching from one backend to another under a flood', () => {
  let bed: TestBed;
  beforeEach(async () => {
    bed = await TestBed.create();
  });
  afterEach(() => bed.close());

  function backendOf([name, chain]: Setting): Backend {
    if (name === 'nft') return createNftBackend({ runner: bed.runner });
    return iptablesBackendOn(bed.node, name === 'iptables-nft' ? 'nft' : 'legacy', chain);
  }

  const leftoverOptions = ([active, chain]: Setting) => ({
    active,
    chain,
    runner: bed.runner,
    nft: createNftBackend({ runner: bed.runner }),
    readLegacyTables: legacyTablesOf(bed.node),
  });

  const flood = () =>
    Flood.start(bed, {
      kept: ['10.99.0.0/16', 'fd00:99::/32'],
      masqueraded: ['203.0.0.0/16', '2001:db8:203::/48'],
      rate: 20_000,
    });

  it('leaks none and catches none, and leaves the rules of the last one only', async () => {
    await backendOf(tour[0] ?? ['nft', usual]).apply(policy);
    const running = await flood();
    for (const [index, setting] of tour.slice(1).entries()) {
      // New before old: the new rules are in place and read back before the old ones go.
      const next = index % 2 === 0 ? otherPolicy : policy;
      await backendOf(setting).apply(next);
      const { found, failures } = await removeLeftovers(leftoverOptions(setting));
      expect(found.length).toBeGreaterThan(0);
      expect(failures).toEqual([]);
      expect(await backendOf(setting).observe(next)).toMatchObject({ state: 'in-sync' });
      expect(await findLeftovers(leftoverOptions(setting))).toEqual({ found: [], failures: [] });
    }
    const counts = await running.stop();
    process.stdout.write(`${tour.length - 1} switches: ${JSON.stringify(counts)}\n`);
    expect(wrong(counts)).toEqual([0, 0]);
    expect(counts.kept.right).toBeGreaterThan(10_000);
    expect(counts.masqueraded.right).toBeGreaterThan(10_000);
  });

  it('would be caught removing the old rules first', async () => {
    await backendOf(['iptables-nft', usual]).apply(policy);
    const running = await flood();
    await backendOf(['iptables-nft', usual]).cleanup();
    await backendOf(['iptables-legacy', usual]).apply(policy);
    const [, leaked] = wrong(await running.stop());
    expect(leaked).toBeGreaterThan(0);
  });
});

function wrong({ kept, masqueraded }: FloodCounts): [number, number] {
  return [kept.wrong, masqueraded.wrong];
}
