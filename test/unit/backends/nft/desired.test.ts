import { describe, expect, it } from 'vitest';
import { desiredTable, referencesIn, withSpareNames } from '../../../../src/backends/nft/desired.ts';
import { renderFill, renderSwitch } from '../../../../src/backends/nft/render.ts';
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
  // Link-local destinations are in the set of those that are kept: nothing is decided in between.
  destinations: policyWith({
    ipv4: { masqueradeSources: ['10.0.0.0/8'], keepSources: ['10.1.0.0/16'], keepDestinations: ['192.168.0.0/16'] },
    ipv6: { keepDestinations: ['2001:db8::/32', 'fe80::/9'] },
  }),
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

const namesOf = (objects: readonly { readonly name: string }[]) => objects.map(({ name }) => name);

describe('the desired table of a policy', () => {
  it.each(Object.keys(policies))('%s is as recorded', async (name) => {
    const desired = desiredTable(policies[name] ?? policyWith({}));
    await expect(renderFill(desired) + renderSwitch(desired)).toMatchFileSnapshot(`../../../fixtures/nft/${name}.nft`);
  });

  it('refers only to sets and chains that stand before it, and has none that nothing refers to', () => {
    for (const policy of Object.values(policies)) {
      const { sets, chains, baseRules } = desiredTable(policy);
      const known = new Set(namesOf(sets));
      const referred = new Set<string>();
      for (const { name, rules } of [...chains, { name: 'postrouting', rules: baseRules }]) {
        for (const reference of rules.flatMap(referencesIn)) {
          expect(known).toContain(reference);
          referred.add(reference);
        }
        known.add(name);
      }
      expect([...referred].sort()).toEqual([...namesOf(sets), ...namesOf(chains)].sort());
    }
  });

  it('does not depend on the order or the overlaps of a list, nor on where entries were written', () => {
    const one = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8', '192.168.0.0/16'] } });
    const other = policyWith({ ipv4: { keepDestinations: ['192.168.0.0/16', '10.3.0.0/16', '10.0.0.0/8'] } });
    expect(desiredTable(one)).toEqual(desiredTable(other));
  });

  it('has one name for one content, and another for another', () => {
    const contents = new Map<string, unknown>();
    for (const policy of Object.values(policies)) {
      const { sets, chains } = desiredTable(policy);
      for (const { name, ...content } of [...sets, ...chains]) {
        expect(contents.get(name) ?? content).toEqual(content);
        contents.set(name, content);
      }
    }
    const distinct = new Set([...contents.values()].map((content) => JSON.stringify(content)));
    expect(distinct.size).toBe(contents.size);
  });

  it('keeps the set of a list that another policy has too', () => {
    const setsOf = (policy: Policy) => namesOf(desiredTable(policy).sets);
    const lists = { keepDestinations: ['10.0.0.0/8'], keepSources: ['10.1.0.0/16'] };
    const [sources, destinations] = setsOf(policyWith({ ipv4: lists }));
    const others = setsOf(policyWith({ ipv4: { ...lists, keepSources: ['10.2.0.0/16'] } }));
    expect(others).toContain(destinations);
    expect(others).not.toContain(sources);
  });

  it('has no map and no set by type, which older versions of nft can’t read', () => {
    for (const policy of Object.values(policies)) {
      const desired = desiredTable(policy);
      expect(renderFill(desired) + renderSwitch(desired)).not.toMatch(/\b(?:v?map|type ipv[46]_addr)\b/);
    }
  });
});

describe('spare names', () => {
  const desired = desiredTable(policyWith({ ipv6: everyIpv6List }));
  const [firstSet = '', ...otherSets] = namesOf(desired.sets);
  const [chain = ''] = namesOf(desired.chains);

  it('take the place of those that are taken, also where they are referred to', () => {
    const spare = withSpareNames(desired, (key) => key === `set ${firstSet}`, new Set([firstSet]));
    expect(namesOf(spare.sets)).toEqual([`${firstSet}-spare`, ...otherSets]);
    // Nothing refers to the chain, so that it can be filled anew.
    expect(namesOf(spare.chains)).toEqual([chain]);
    expect(spare.chains.flatMap(({ rules }) => rules.flatMap(referencesIn))).toContain(`${firstSet}-spare`);
    expect(spare.baseRules).toEqual(desired.baseRules);
  });

  it('go on to what refers to a spare and is in use', () => {
    const spare = withSpareNames(desired, (key) => key === `set ${firstSet}`, new Set([firstSet, chain]));
    expect(namesOf(spare.chains)).toEqual([`${chain}-spare`]);
    expect(spare.baseRules).toContain(`meta nfproto ipv6 goto ${chain}-spare`);
  });

  it('leave spare names that are in use', () => {
    const spare = withSpareNames(desired, (key) => key === `set ${firstSet}`, new Set([firstSet, `${firstSet}-spare`]));
    expect(namesOf(spare.sets)).toEqual([`${firstSet}-spare-2`, ...otherSets]);
  });
});
