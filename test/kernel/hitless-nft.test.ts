import { afterEach, beforeEach, expect, it } from 'vitest';
import { createNftBackend } from '../../src/backends/nft/backend.ts';
import { table } from '../../src/backends/nft/names.ts';
import { renderFill, renderSwitch } from '../../src/backends/nft/render.ts';
import { buildRuleset } from '../../src/backends/nft/ruleset.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { policyWith } from '../builders/policy.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { Flood, type FloodCounts } from './harness/flood/flood.ts';
import { TestBed } from './harness/test-bed.ts';

/** Every policy here keeps the one and masquerades the other, each by another of its lists. */
const plan = { kept: ['10.99.0.0/16'], masqueraded: ['203.0.0.0/16'] };

/** CIDRs that have nothing to do with the flood. */
const filler = Array.from({ length: 2_000 }, (_, index) => `172.${16 + (index >> 8)}.${index & 255}.0/25`);

const policies: readonly Policy[] = [
  policyWith({ ipv4: { keepDestinations: ['10.99.0.0/16', ...filler] } }),
  policyWith({ ipv4: { keepDestinations: ['10.99.0.0/16'] } }),
  // The list that decided before is empty now: sources decide, and forced destinations come first.
  policyWith({ ipv4: { keepSources: ['10.244.7.0/24'], forceMasquerade: ['203.0.0.0/16'] } }),
  policyWith({
    ipv4: { keepSources: ['10.244.7.2/32'], forceMasquerade: ['203.0.0.0/17', '203.0.128.0/17', ...filler] },
  }),
  policyWith({ ipv4: { keepDestinations: ['10.96.0.0/14', '0.0.0.0/0'], forceMasquerade: ['203.0.0.0/8'] } }),
  policyWith({ ipv4: { masqueradeOutbound: false, forceMasquerade: ['203.0.0.0/16'] } }),
];

const reloads = Number(process.env['HITLESS_RELOADS'] ?? 120);
const connections = Number(process.env['HITLESS_CONNECTIONS'] ?? 200_000);

describeKernel('changing the rules under a flood of new connections', () => {
  let bed: TestBed;
  beforeEach(async () => {
    bed = await TestBed.create();
  });
  afterEach(() => bed.close());

  it('judges each by the whole old policy or by the whole new one, repairs included', {
    timeout: 900_000,
  }, async () => {
    const backend = createNftBackend({ runner: bed.runner });
    const counts = await floodWhile(bed, reloads, async (policy, index) => {
      await backend.apply(policy);
      if (index % 10 > 0) return;
      // Every tenth change is followed by a repair: the same policy, damaged where the flood does not notice.
      await bed.node.run('nft', 'add', 'chain', 'inet', 'ip-masq-agent', 'foreign');
      await backend.apply(policy);
    });
    expect(counts).toMatchObject({ kept: { wrong: 0 }, masqueraded: { wrong: 0 } });
    expect(counts.kept.right).toBeGreaterThan(connections / 4);
    expect(counts.masqueraded.right).toBeGreaterThan(connections / 4);
  });

  it('would be caught doing it the usual way, the table made anew in one transaction', {
    timeout: 900_000,
  }, async () => {
    const recreate = `add table ${table}\ndelete table ${table}\n`;
    const counts = await floodWhile(bed, reloads / 2, async (policy) => {
      const ruleset = buildRuleset(policy);
      await bed.node.feed(recreate + renderFill(ruleset) + renderSwitch(ruleset), 'nft', '-f', '-');
    });
    expect(counts.kept.wrong + counts.masqueraded.wrong).toBeGreaterThan(0);
  });
});

/** Changes policies while the flood runs, and gives what the flood counted after the first of them was in place. */
async function floodWhile(
  bed: TestBed,
  changes: number,
  change: (policy: Policy, index: number) => Promise<void>,
): Promise<FloodCounts> {
  const flood = await Flood.start(bed, plan);
  const policyAt = (index: number): Policy => policies[index % policies.length] ?? policyWith({});
  await change(policyAt(0), 1);
  // Without rules nothing is masqueraded; that ends with the first install, of which kept connections see nothing.
  const before = await flood.counts();
  let seen = before.newConnections;
  let index = 1;
  for (; index <= changes || seen < connections; index++) {
    await change(policyAt(index), index);
    if (index % 20 === 0) seen = (await flood.counts()).newConnections;
  }
  const after = await flood.stop();
  const masqueraded = {
    right: after.masqueraded.right - before.masqueraded.right,
    wrong: after.masqueraded.wrong - before.masqueraded.wrong,
  };
  const counts = { ...after, masqueraded };
  process.stdout.write(`${index} changes: ${JSON.stringify(counts)}\n`);
  return counts;
}
