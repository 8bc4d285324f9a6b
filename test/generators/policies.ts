import * as fc from 'fast-check';
import type { Family } from '../../src/net/family.ts';
import { addressBits } from '../../src/net/family.ts';
import type { PortRange } from '../../src/net/port-range.ts';
import { type Bits, bitsOf, formatBits, numberOf, parseBits } from './bits.ts';
import { type PlainFamilyPolicy, type PlainPolicy, plainFamily } from './plain-policy.ts';

/**
 * Networks are cut out of few addresses, so that they often are equal, nested or adjacent. Among them are the
 * neighbourhood of Pods and of the node, link-local addresses, and the borders of large networks.
 */
const anchors: Readonly<Record<Family, readonly string[]>> = {
  ipv4: ['10.244.7.2', '198.51.100.10', '169.254.169.254', '203.0.113.128', '128.0.0.1', '100.64.0.0'],
  ipv6: ['fd00:244::2', '2001:db8:1::10', 'fe80::1', '64:ff9b::cb00:7180', '8000::1', '2001:db8:1:ffff::ffff'],
};

/** Prefixes at the ends of the scale and at the borders of bytes, groups and of the link-local networks. */
const prefixes: Readonly<Record<Family, readonly number[]>> = {
  ipv4: [32, 31, 30, 24, 23, 17, 16, 15, 9, 8],
  ipv6: [128, 127, 126, 112, 65, 64, 63, 32, 16, 11, 10, 9, 8],
};

/** The text of a network: the first `prefix` bits of an anchor, or the network before or after that. */
export function cidrs(family: Family): fc.Arbitrary<string> {
  const prefix = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...prefixes[family]) },
    { weight: 4, arbitrary: fc.integer({ min: 2, max: addressBits[family] }) },
    { weight: 1, arbitrary: fc.constantFrom(1, 0) },
  );
  const beside = fc.constantFrom(0n, 0n, 1n, -1n);
  return fc.tuple(fc.constantFrom(...anchors[family]), prefix, beside).map(([anchor, length, step]) => {
    const bits = parseBits(anchor).slice(0, length);
    const network =
      length > 0
        ? BigInt.asUintN(length, numberOf(bits) + step)
            .toString(2)
            .padStart(length, '0')
        : '';
    return `${formatBits(family, network.padEnd(addressBits[family], '0'))}/${length}`;
  });
}

function familyPolicies(family: Family): fc.Arbitrary<PlainFamilyPolicy> {
  const list = fc.uniqueArray(cidrs(family), { maxLength: 6 });
  const mostly = (value: boolean) => fc.integer({ min: 0, max: 3 }).map((dice) => (dice < 3 ? value : !value));
  return fc.record({
    enabled: family === 'ipv4' ? fc.constant(true) : mostly(true),
    masqueradeLinkLocal: fc.boolean(),
    // Most sources are outside: with such a list in every policy, few packets would reach the steps after it.
    masqueradeSources: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: list }),
    forceMasquerade: list,
    masqueradeOutbound: mostly(true),
    keepSources: list,
    keepDestinations: list,
  });
}

/** Ranges wide enough that no connection of a test finds all ports taken. */
const portRanges: fc.Arbitrary<PortRange> = fc
  .tuple(fc.integer({ min: 1024, max: 60_000 }), fc.integer({ min: 3000, max: 40_000 }))
  .map(([first, size]) => ({ first, last: Math.min(first + size - 1, 65_535) }));

/** Policies over every key. As in a valid config, IPv6 has no lists while it is off. */
export const policies: fc.Arbitrary<PlainPolicy> = fc
  .record({
    ipv4: familyPolicies('ipv4'),
    ipv6: familyPolicies('ipv6'),
    randomFully: fc.boolean(),
    toPorts: fc.array(portRanges, { maxLength: 3 }),
  })
  .map((policy) => {
    if (policy.ipv6.enabled) return policy;
    const { masqueradeLinkLocal, masqueradeOutbound } = policy.ipv6;
    return { ...policy, ipv6: { ...plainFamily, enabled: false, masqueradeLinkLocal, masqueradeOutbound } };
  });

const spots = ['first', 'last', 'before', 'after', 'inside', 'anywhere'] as const;

/**
 * An address relative to the networks of a policy, so that a failing case can lose networks one by one and keep its
 * packets.
 */
interface Aim {
  readonly network: number;
  readonly spot: (typeof spots)[number];
  readonly noise: bigint;
}

/** A packet relative to a policy. */
export interface PacketAim {
  readonly family: Family;
  readonly source: Aim;
  readonly destination: Aim;
}

const aims: fc.Arbitrary<Aim> = fc.record({
  network: fc.nat({ max: 10_000 }),
  spot: fc.constantFrom(...spots),
  noise: fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
});

/** Packets at and near the borders of the networks of a policy; a few anywhere. */
export const packetAims: fc.Arbitrary<PacketAim> = fc.record({
  family: fc.constantFrom<Family>('ipv4', 'ipv6'),
  source: aims,
  destination: aims,
});

export interface AimedPacket {
  readonly family: Family;
  readonly source: Bits;
  readonly destination: Bits;
}

/** The packet that an aim means under this policy. */
export function takeAim(policy: PlainPolicy, { family, source, destination }: PacketAim): AimedPacket {
  const { masqueradeSources, keepSources, forceMasquerade, keepDestinations } = policy[family];
  const linkLocal = family === 'ipv4' ? '169.254.0.0/16' : 'fe80::/10';
  return {
    family,
    source: resolve(family, [...masqueradeSources, ...keepSources], source),
    destination: resolve(family, [linkLocal, ...forceMasquerade, ...keepDestinations], destination),
  };
}

function resolve(family: Family, networks: readonly string[], { network, spot, noise }: Aim): Bits {
  const size = 1n << BigInt(addressBits[family]);
  const cidr = networks[network % networks.length];
  if (spot === 'anywhere' || cidr === undefined) return bitsOf(family, noise % size);
  const [address = '', prefix = ''] = cidr.split('/');
  const first = numberOf(parseBits(address));
  const length = 1n << BigInt(addressBits[family] - Number(prefix));
  const value = {
    first,
    last: first + length - 1n,
    before: first - 1n,
    after: first + length,
    inside: first + (noise % length),
  }[spot];
  return bitsOf(family, ((value % size) + size) % size);
}
