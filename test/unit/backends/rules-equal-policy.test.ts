import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeCidrs } from '../../../src/net/cidr.ts';
import type { Family } from '../../../src/net/family.ts';
import { intersection } from '../../../src/net/ip-set.ts';
import { linkLocal } from '../../../src/policy/decide.ts';
import { type OutputSettings, policyWith } from '../../builders/policy.ts';
import { plainFamily, plainPolicy, toPolicy } from '../../generators/plain-policy.ts';
import { cidrs, policies } from '../../generators/policies.ts';
import { allPackets, disagreement } from '../../symbolic/agreement.ts';
import { renderedBy } from '../../symbolic/backends.ts';

/** `SYMBOLIC_POLICIES=… SYMBOLIC_SEED=…` make a longer run, or repeat one. */
const numRuns = Number(process.env['SYMBOLIC_POLICIES'] ?? 1000);
const seed = Number(process.env['SYMBOLIC_SEED'] ?? Date.now() % 2 ** 31);

/** Entries of outputAddresses, most with lists of few networks. */
function outputsOf(family: Family): fc.Arbitrary<OutputSettings[]> {
  const addresses = family === 'ipv4' ? ['198.51.100.10', '198.51.100.11'] : ['2001:db8:1::10', '2001:db8:1::11'];
  const list = fc.uniqueArray(cidrs(family), { maxLength: 3 });
  return fc.array(fc.record({ address: fc.constantFrom(...addresses), destinations: list, sources: list }), {
    maxLength: 3,
  });
}

/** Policies whose masqueraded connections get one of several addresses. */
const policiesWithOutputs = fc
  .tuple(policies, outputsOf('ipv4'), outputsOf('ipv6'))
  .map(([plain, ofIPv4, ofIPv6]) =>
    policyWith({ ...plain, ipv4: { ...plain.ipv4, outputs: ofIPv4 }, ipv6: { ...plain.ipv6, outputs: ofIPv6 } }),
  );

describe.each(['nft', 'iptables-nft', 'iptables-legacy'] as const)('the rules of %s', (name) => {
  it(`do to every packet what the policy says, for ${numRuns} random policies (seed ${seed})`, {
    timeout: 300_000,
  }, () => {
    fc.assert(
      fc.property(policies, (plain) => {
        const policy = toPolicy(plain);
        const { rules, countersOf } = renderedBy[name](policy);
        expect(disagreement(policy, rules, countersOf)).toBeUndefined();
      }),
      { numRuns, seed },
    );
  });

  it('would be found out if they were those of another policy', () => {
    const family = { ...plainFamily, keepDestinations: ['10.0.0.0/8'] };
    const other = { ...plainFamily, keepDestinations: ['10.0.0.0/8', '10.255.255.255/32', '11.0.0.0/32'] };
    const { rules, countersOf } = renderedBy[name](toPolicy({ ...plainPolicy, ipv4: other }));
    expect(disagreement(toPolicy({ ...plainPolicy, ipv4: family }), rules, countersOf)).toMatch(
      / 0\.0\.0\.0 -> 11\.0\.0\.0: keep /,
    );
  });
});

describe.each(['iptables-nft', 'iptables-legacy'] as const)('the rules of %s, with addresses', (name) => {
  it(`do to every packet what the policy says, for ${numRuns} random policies (seed ${seed})`, {
    timeout: 300_000,
  }, () => {
    fc.assert(
      fc.property(policiesWithOutputs, (policy) => {
        const { rules, countersOf } = renderedBy[name](policy);
        expect(disagreement(policy, rules, countersOf)).toBeUndefined();
      }),
      { numRuns, seed },
    );
  });
});

it("under nft, the host's own link-local addresses, for which the kernel does not vouch, are kept where they leave by lo", () => {
  const policy = toPolicy({ ...plainPolicy, ipv6: { ...plainFamily, masqueradeLinkLocal: true } });
  const { rules } = renderedBy.nft(policy);
  const linkLocals = mergeCidrs([linkLocal.ipv6]);
  for (const { masquerade, packets } of rules(allPackets('ipv6', { leavesByLo: true }))) {
    expect(masquerade === undefined).toBe(intersection(packets.destinations, linkLocals).length > 0);
  }
});
