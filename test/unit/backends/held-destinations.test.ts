import { describe, expect, it } from 'vitest';
import { withHeldDestinations } from '../../../src/backends/held-destinations.ts';
import { desiredChains } from '../../../src/backends/iptables/desired.ts';
import { heldDestinations as heldByIptables } from '../../../src/backends/iptables/held.ts';
import { desiredTable } from '../../../src/backends/nft/desired.ts';
import { heldDestinations as heldByNft } from '../../../src/backends/nft/held.ts';
import { listingOf } from '../../../src/backends/nft/listing.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { policyWith } from '../../builders/policy.ts';

const bothLists = new Set(['forceMasquerade', 'keepDestinations'] as const);

const known = policyWith({
  ipv4: { forceMasquerade: ['198.51.100.0/24'], keepDestinations: ['10.0.0.0/8', '203.0.113.8/32', '172.16.0.0/12'] },
  ipv6: { keepDestinations: ['fd00::/8'] },
});
/** The same with what names stood for, in their places: beside others, among them, and within them. */
const inForce = policyWith({
  ipv4: {
    forceMasquerade: ['192.0.2.1/32', '198.51.100.0/24'],
    keepDestinations: ['203.0.113.9/32', '10.0.0.0/8', '10.1.2.3/32', '203.0.113.8/32', '172.16.0.0/12', '8.8.8.8/32'],
  },
  ipv6: { keepDestinations: ['fd00::/8', '2001:db8::1/128'] },
});

const listingIn = (policy: Policy) => listingOf(desiredTable(policy), { isTerse: false });
const chainsOf = (policy: Policy) =>
  (['ipv4', 'ipv6'] as const).flatMap((family) => desiredChains(policy[family], policy, 'CHAIN').chains);
const heldInChains = (policy: Policy) =>
  (['ipv4', 'ipv6'] as const).flatMap((family) =>
    heldByIptables(
      family,
      desiredChains(policy[family], policy, 'CHAIN').chains.flatMap(({ rules }) => rules),
    ),
  );

describe('what stands for unknown names in the kernel', () => {
  it('is taken as it is under nft, however it was merged', () => {
    const adopted = withHeldDestinations(known, bothLists, heldByNft(listingIn(inForce)));
    expect(desiredTable(adopted)).toEqual(desiredTable(inForce));
  });

  it('is taken as it is under iptables, in its place', () => {
    const adopted = withHeldDestinations(known, bothLists, heldInChains(inForce));
    expect(chainsOf(adopted)).toEqual(chainsOf(inForce));
  });

  it('is left out of lists without such names', () => {
    const keeps = new Set(['keepDestinations'] as const);
    for (const held of [heldByNft(listingIn(inForce)), heldInChains(inForce)]) {
      const adopted = withHeldDestinations(known, keeps, held);
      expect(adopted.ipv4.forceMasquerade).toEqual(known.ipv4.forceMasquerade);
    }
  });

  it('hides neither what is missing nor, under iptables, a network that is not ours', () => {
    const damaged = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8', '172.16.0.0/12', '8.0.0.0/8'] } });
    const underNft = withHeldDestinations(known, bothLists, heldByNft(listingIn(damaged)));
    expect(desiredTable(underNft)).not.toEqual(desiredTable(damaged));
    const underIptables = withHeldDestinations(known, bothLists, heldInChains(damaged));
    expect(underIptables.ipv4).toEqual(known.ipv4);
  });

  it('is nothing where there are no rules', () => {
    expect(withHeldDestinations(known, bothLists, heldByNft(new Map()))).toEqual(known);
    expect(withHeldDestinations(known, bothLists, heldByIptables('ipv4', []))).toEqual(known);
  });
});
