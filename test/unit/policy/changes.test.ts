import { describe, expect, it } from 'vitest';
import { policyChanges, samePolicy } from '../../../src/policy/changes.ts';
import { policyWith } from '../../builders/policy.ts';

const before = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8', '192.168.0.0/16'] } });

function texts(after: typeof before): unknown {
  const { lists, settings } = policyChanges(before, after);
  const inShort = lists.map(({ list, added, removed }) => ({
    list,
    added: added.map(({ cidr }) => cidr.text),
    removed: removed.map(({ cidr }) => cidr.text),
  }));
  return { lists: inShort, settings };
}

describe('policyChanges', () => {
  it('tells what a list gained and lost', () => {
    const after = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8', '172.16.0.0/12'] } });
    expect(texts(after)).toEqual({
      lists: [{ list: 'keepDestinations', added: ['172.16.0.0/12'], removed: ['192.168.0.0/16'] }],
      settings: [],
    });
  });

  it('tells an entry that moves between lists from both', () => {
    const after = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'], keepSources: ['192.168.0.0/16'] } });
    expect(texts(after)).toEqual({
      lists: [
        { list: 'keepSources', added: ['192.168.0.0/16'], removed: [] },
        { list: 'keepDestinations', added: [], removed: ['192.168.0.0/16'] },
      ],
      settings: [],
    });
  });

  it('tells what was switched', () => {
    const after = policyWith({
      ipv4: { keepDestinations: ['10.0.0.0/8', '192.168.0.0/16'], masqueradeLinkLocal: true },
      ipv6: {},
      randomFully: false,
      toPorts: [{ first: 1024, last: 2048 }],
    });
    expect(texts(after)).toEqual({
      lists: [],
      settings: [
        'ipv4 masquerade link-local: false -> true',
        'ipv6 enabled: false -> true',
        'random-fully: true -> false',
        'to-ports: any -> 1024-2048',
      ],
    });
  });

  it('takes everything for new where there was nothing', () => {
    expect(policyChanges(undefined, before).lists[0]?.added).toHaveLength(2);
  });
});

describe('samePolicy', () => {
  it('does not look at provenance, but at order', () => {
    const same = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8', '192.168.0.0/16'] } });
    const reordered = policyWith({ ipv4: { keepDestinations: ['192.168.0.0/16', '10.0.0.0/8'] } });
    expect(samePolicy(before, same)).toBe(true);
    expect(samePolicy(before, reordered)).toBe(false);
  });

  it('sees a switch, and an entry in another list', () => {
    expect(samePolicy(before, { ...before, randomFully: false })).toBe(false);
    expect(samePolicy(before, policyWith({ ipv4: { keepSources: ['10.0.0.0/8', '192.168.0.0/16'] } }))).toBe(false);
  });
});
