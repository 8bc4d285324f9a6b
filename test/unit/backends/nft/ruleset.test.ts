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
    const entries = Object.values(policies).map((policy) => buildRuleset(policy).entry);
    expect(new Set(entries).size).toBe(entries.length);
  });

  it('keeps the set of a list that another policy has too', () => {
    const setOf = (policy: Policy) => buildRuleset(policy).sets.map(({ name }) => name);
    const lists = { keepDestinations: ['10.0.0.0/8'], keepSources: ['10.1.0.0/16'] };
    const [sources, destinations] = setOf(policyWith({ ipv4: lists }));
    const others = setOf(policyWith({ ipv4: { ...lists, keepSources: ['10.2.0.0/16'] } }));
    expect(others).toContain(destinations);
    expect(others).not.toContain(sources);
  });

  it('leaves names that are taken, those of all chains together and those of each set by itself', () => {
    const policy = policyWith({ ipv4: everyList });
    const usual = buildRuleset(policy);
    const namesOf = (objects: readonly { readonly name: string }[]) => objects.map(({ name }) => name);
    const [firstSet = '', ...otherSets] = namesOf(usual.sets);
    const aside = buildRuleset(policy, (name) => name === usual.entry || name === firstSet);
    expect(namesOf(aside.sets)).toEqual([`${firstSet}-spare`, ...otherSets]);
    expect(namesOf(aside.chains)).toEqual(namesOf(usual.chains).map((name) => `${name}-spare`));
    expect(renderFill(aside)).toContain(`@${firstSet}-spare `);
    const further = buildRuleset(policy, (name) => name.includes(usual.entry) && !name.endsWith('-spare-2'));
    expect(further.entry).toBe(`${usual.entry}-spare-2`);
  });
});
