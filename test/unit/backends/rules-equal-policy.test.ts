import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeCidrs } from '../../../src/net/cidr.ts';
import { intersection } from '../../../src/net/ip-set.ts';
import { linkLocal } from '../../../src/policy/decide.ts';
import { policyWith } from '../../builders/policy.ts';
import { policiesWithOutputs } from '../../generators/outputs.ts';
import { plainFamily, plainPolicy, toPolicy } from '../../generators/plain-policy.ts';
import { policies } from '../../generators/policies.ts';
import { allPackets, disagreement } from '../../symbolic/agreement.ts';
import { renderedBy } from '../../symbolic/backends.ts';

/** `SYMBOLIC_POLICIES=… SYMBOLIC_SEED=…` make a longer run, or repeat one. */
const numRuns = Number(process.env['SYMBOLIC_POLICIES'] ?? 1000);
const seed = Number(process.env['SYMBOLIC_SEED'] ?? Date.now() % 2 ** 31);

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

describe.each(['nft', 'iptables-nft', 'iptables-legacy'] as const)('the rules of %s, with addresses', (name) => {
  it(`do to every packet what the policy says, for ${numRuns} random policies (seed ${seed})`, {
    timeout: 300_000,
  }, () => {
    fc.assert(
      fc.property(policiesWithOutputs, (plain) => {
        const policy = policyWith(plain);
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
