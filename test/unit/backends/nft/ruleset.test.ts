import { describe, expect, it } from 'vitest';
import { renderFill, renderSwitch } from '../../../../src/backends/nft/render.ts';
import { buildRuleset } from '../../../../src/backends/nft/ruleset.ts';
import type { Policy } from '../../../../src/policy/policy.ts';
import { policyWith } from '../../../builders/policy.ts';

const everyList = {
  masqueradeSources: ['10.0.0.0/8'],
  forceMasquerade: ['10.9.0.0/16'],
  keepSources: ['10.1.0.0/16'],
  keepDestinations: ['192.168.0.0/16', '172.16.0.0/12'],
};
const everyIpv6List = {
  masqueradeSources: ['fd00::/8'],
  forceMasquerade: ['2001:db8:9::/48'],
  keepSources: ['fd00:1::/32'],
  keepDestinations: ['2001:db8::/32'],
};

const policies: Record<string, Policy> = {
  'tke-sample': policyWith({
    ipv4: { masqueradeLinkLocal: true, keepSources: ['10.0.0.0/12'], keepDestinations: ['192.168.0.0/16'] },
  }),
  'nothing-kept': policyWith({}),
  'every-list': policyWith({ ipv4: everyList, ipv6: everyIpv6List }),
  'outbound-off': policyWith({
    ipv4: { ...everyList, masqueradeOutbound: false },
    ipv6: { masqueradeOutbound: false, masqueradeLinkLocal: true },
    randomFully: false,
  }),
  'port-ranges': policyWith({
    toPorts: [
      { first: 1024, last: 29_999 },
      { first: 32_768, last: 65_535 },
    ],
  }),
};

describe('the ruleset of a policy', () => {
  it.each(Object.keys(policies))('%s is as recorded', async (name) => {
    const ruleset = buildRuleset(policies[name] ?? policyWith({}));
    await expect(renderFill(ruleset) + renderSwitch(ruleset)).toMatchFileSnapshot(`../../../fixtures/nft/${name}.nft`);
  });

  it('refers only to sets and chains that stand before it', () => {
    for (const policy of Object.values(policies)) {
      const known = new Set<string>();
      const ruleset = buildRuleset(policy);
      for (const line of (renderFill(ruleset) + renderSwitch(ruleset)).split('\n')) {
        for (const [, reference = ''] of line.matchAll(/(?:@|goto |jump )([\w-]+)/g))
          expect(known).toContain(reference);
        const declared = /^\t(?:set|chain) (\S+) \{$/.exec(line)?.[1];
        if (declared) known.add(declared);
      }
      expect(known.size).toBeGreaterThan(1);
    }
  });

  it('does not depend on the order or the overlaps of a list, nor on where entries were written', () => {
    const one = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8', '192.168.0.0/16'] } });
    const other = policyWith({ ipv4: { keepDestinations: ['192.168.0.0/16', '10.3.0.0/16', '10.0.0.0/8'] } });
    expect(buildRuleset(one)).toEqual(buildRuleset(other));
  });

  it('has another name for another content', () => {
    const suffixes = Object.values(policies).map((policy) => buildRuleset(policy).suffix);
    expect(new Set(suffixes).size).toBe(suffixes.length);
  });

  it('has spare names that share nothing with the regular ones', () => {
    const policy = policyWith({ ipv4: everyList });
    const [regular, spare] = [buildRuleset(policy), buildRuleset(policy, 'spare')];
    const names = [...regular.sets, ...regular.chains].map(({ name }) => name);
    expect(spare.suffix).toBe(`${regular.suffix}-spare`);
    for (const { name } of [...spare.sets, ...spare.chains]) expect(names).not.toContain(name);
  });
});
