import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Decision, decide, stepCount } from '../../../src/policy/decide.ts';
import type { Host } from '../../../src/policy/host.ts';
import type { ListName, PolicyEntry } from '../../../src/policy/policy.ts';
import { bitsOf, formatBits } from '../../generators/bits.ts';
import { naiveDecision } from '../../generators/naive-decision.ts';
import {
  addressOf,
  type PlainFamilyPolicy,
  type PlainPolicy,
  packetOf,
  plainFamily,
  plainPolicy,
  toPolicy,
} from '../../generators/plain-policy.ts';
import { type AimedPacket, packetAims, policies, takeAim } from '../../generators/policies.ts';

const pod = '10.244.7.2';
const remote = '203.0.113.9';
const pod6 = 'fd00:244::2';
const remote6 = '2001:db8:9::9';
const node: Host = { isLocal: ({ family, value }) => family === 'ipv4' && value === addressOf('198.51.100.10').value };

/** A policy in which each step matches some packet of the pod. */
const everyStep = toPolicy({
  ...plainPolicy,
  ipv4: {
    ...plainFamily,
    masqueradeSources: ['10.244.0.0/16'],
    forceMasquerade: ['198.51.100.0/24', '203.0.113.0/24'],
    keepSources: ['10.244.7.0/24'],
    keepDestinations: ['192.0.2.0/24', '203.0.113.0/24'],
  },
});

function path(decision: Decision | undefined): string[] {
  return decision ? [`${decision.step.number} ${decision.step.id} ${decision.verdict}`, ...path(decision.next)] : [];
}

describe('the first step that matches decides, and the steps after it come next', () => {
  test('1: destinations of the host itself are kept, whatever the lists say', () => {
    expect(path(decide(everyStep, packetOf(pod, '198.51.100.10'), node))).toEqual([
      '1 local-destination keep',
      '5 force-masquerade masquerade',
      '7 keep-source keep',
      '9 outbound masquerade',
    ]);
  });

  test('2: IPv6 is kept while it is off, and what would follow is told', () => {
    const off = toPolicy({ ...plainPolicy, ipv6: { ...plainFamily, enabled: false } });
    expect(path(decide(off, packetOf(pod6, remote6)))).toEqual(['2 ipv6-off keep', '9 outbound masquerade']);
    expect(path(decide(off, packetOf(pod6, 'fe80::1')))).toEqual([
      '2 ipv6-off keep',
      '3 link-local keep',
      '9 outbound masquerade',
    ]);
    expect(path(decide(off, packetOf(pod, remote)))).toEqual(['9 outbound masquerade']);
  });

  test.each([
    ['169.253.255.255', false],
    ['169.254.0.0', true],
    ['169.254.255.255', true],
    ['169.255.0.0', false],
    ['fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff', false],
    ['fe80::', true],
    ['febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', true],
    ['fec0::', false],
  ])('3: %s is link-local: %s', (destination, isLinkLocal) => {
    const family = destination.includes(':') ? 'ipv6' : 'ipv4';
    const packet = packetOf(family === 'ipv4' ? pod : pod6, destination);
    const expected = isLinkLocal ? ['3 link-local keep', '9 outbound masquerade'] : ['9 outbound masquerade'];
    expect(path(decide(toPolicy(plainPolicy), packet))).toEqual(expected);

    const masqueraded = { ...plainFamily, masqueradeLinkLocal: true };
    const policy = toPolicy({ ...plainPolicy, [family]: masqueraded });
    expect(path(decide(policy, packet))).toEqual(['9 outbound masquerade']);
  });

  test('3 comes before 5: link-local destinations are not forced', () => {
    const policy = toPolicy({ ...plainPolicy, ipv4: { ...plainFamily, forceMasquerade: ['0.0.0.0/0'] } });
    expect(path(decide(policy, packetOf(pod, '169.254.1.1')))).toEqual([
      '3 link-local keep',
      '5 force-masquerade masquerade',
      '9 outbound masquerade',
    ]);
  });

  test('4: sources outside a list of sources are kept, forced destinations included', () => {
    expect(path(decide(everyStep, packetOf('10.245.0.0', remote)))).toEqual([
      '4 source-not-listed keep',
      '5 force-masquerade masquerade',
      '8 keep-destination keep',
      '9 outbound masquerade',
    ]);
  });

  test('4: a list of sources in one family leaves the other family alone', () => {
    expect(path(decide(everyStep, packetOf(pod6, remote6)))).toEqual(['9 outbound masquerade']);
  });

  test('5: forced destinations are masqueraded although lists and settings after it say keep', () => {
    expect(path(decide(everyStep, packetOf(pod, remote)))).toEqual([
      '5 force-masquerade masquerade',
      '7 keep-source keep',
      '8 keep-destination keep',
      '9 outbound masquerade',
    ]);
  });

  test('6: with masqOutBound off, nothing but forced destinations is masqueraded', () => {
    const policy = toPolicy({
      ...plainPolicy,
      ipv4: {
        ...plainFamily,
        masqueradeOutbound: false,
        forceMasquerade: ['203.0.113.9/32'],
        keepDestinations: ['203.0.113.0/24'],
      },
    });
    expect(path(decide(policy, packetOf(pod, '203.0.113.8')))).toEqual([
      '6 outbound-off keep',
      '8 keep-destination keep',
      '9 outbound masquerade',
    ]);
    expect(path(decide(policy, packetOf(pod, '203.0.113.9')))[0]).toBe('5 force-masquerade masquerade');
    expect(path(decide(policy, packetOf(pod6, remote6)))).toEqual(['9 outbound masquerade']);
  });

  test('7: sources in the list are kept wherever they go', () => {
    expect(path(decide(everyStep, packetOf(pod, '192.0.2.1')))).toEqual([
      '7 keep-source keep',
      '8 keep-destination keep',
      '9 outbound masquerade',
    ]);
  });

  test('8: destinations in the list are kept', () => {
    expect(path(decide(everyStep, packetOf('10.244.8.1', '192.0.2.1')))).toEqual([
      '8 keep-destination keep',
      '9 outbound masquerade',
    ]);
  });

  test('9: the rest is masqueraded', () => {
    expect(path(decide(everyStep, packetOf('10.244.8.1', '192.0.3.0')))).toEqual(['9 outbound masquerade']);
    expect(stepCount).toBe(9);
  });
});

describe('the entry that decided', () => {
  const lists = {
    forceMasquerade: { source: '192.0.2.1', destination: '10.9.9.9' },
    keepSources: { source: '10.9.9.9', destination: '192.0.2.1' },
    keepDestinations: { source: '192.0.2.1', destination: '10.9.9.9' },
  } as const satisfies Partial<Record<ListName, object>>;

  test.each(['forceMasquerade', 'keepSources', 'keepDestinations'] as const)(
    'is the first of %s that contains the address',
    (list) => {
      const { source, destination } = lists[list];
      const decideWith = (...cidrs: string[]) =>
        decide(toPolicy({ ...plainPolicy, ipv4: { ...plainFamily, [list]: cidrs } }), packetOf(source, destination))
          .entry;
      expect(decideWith('11.0.0.0/8', '10.0.0.0/8', '10.9.9.9/32')).toMatchObject({
        cidr: { text: '10.0.0.0/8' },
        source: { line: 2 },
      });
      expect(decideWith('10.9.9.9/32', '10.0.0.0/8')).toMatchObject({
        cidr: { text: '10.9.9.9/32' },
        source: { line: 1 },
      });
    },
  );

  test('does not exist for steps without a list, nor for a source that no entry contains', () => {
    expect(decide(everyStep, packetOf(pod, '198.51.100.10'), node).entry).toBeUndefined();
    expect(decide(everyStep, packetOf('192.0.2.9', remote)).entry).toBeUndefined();
    expect(decide(toPolicy(plainPolicy), packetOf(pod, remote)).entry).toBeUndefined();
  });
});

describe('source ports', () => {
  const ranged = toPolicy({
    ...plainPolicy,
    randomFully: false,
    toPorts: [
      { first: 1024, last: 29_999 },
      { first: 32_768, last: 65_535 },
    ],
    ipv4: { ...plainFamily, forceMasquerade: ['192.0.2.0/24'], keepDestinations: ['10.0.0.0/8'] },
  });
  const ranges = [
    { range: { first: 1024, last: 29_999 }, chance: 28_976 / 61_744 },
    { range: { first: 32_768, last: 65_535 }, chance: 32_768 / 61_744 },
  ];

  test.each(['tcp', 'udp', 'sctp', undefined])('of %s connections are chosen from the ranges', (protocol) => {
    const expected = { ranges, randomFully: false };
    expect(decide(ranged, packetOf(pod, remote, protocol)).ports).toEqual(expected);
    expect(decide(ranged, packetOf(pod, '192.0.2.9', protocol)).ports).toEqual(expected);
  });

  test.each(['icmp', 'udplite', 'dccp', '253'])('of %s are not', (protocol) => {
    expect(decide(ranged, packetOf(pod, remote, protocol)).ports).toEqual({ ranges: [], randomFully: false });
  });

  test('are left alone with the address that is kept', () => {
    const kept = decide(ranged, packetOf(pod, '10.1.1.1', 'tcp'));
    expect(kept.ports).toBeUndefined();
    expect(kept.next?.ports).toEqual({ ranges, randomFully: false });
  });

  test('are any without ranges', () => {
    expect(decide(toPolicy(plainPolicy), packetOf(pod, remote, 'tcp')).ports).toEqual({
      ranges: [],
      randomFully: true,
    });
  });
});

test('without a host, loopback addresses alone are the host’s own', () => {
  const step = (destination: string) => decide(toPolicy(plainPolicy), packetOf(pod, destination)).step.number;
  expect(['127.0.0.0', '127.255.255.255', '126.255.255.255', '128.0.0.0'].map(step)).toEqual([1, 1, 9, 9]);
  expect(['::1', '::', '::2'].map(step)).toEqual([1, 9, 9]);
});

/** A policy and a packet; one in twenty has a destination of the host itself. */
const cases = fc
  .record({ plain: policies, aim: packetAims, dice: fc.nat({ max: 19 }) })
  .map(({ plain, aim, dice }) => ({ plain, aimed: takeAim(plain, aim), isLocal: dice === 0 }));

function decideAimed(plain: PlainPolicy, { family, source, destination }: AimedPacket, isLocal: boolean): Decision {
  const host: Host = { isLocal: ({ value }) => isLocal && bitsOf(family, value) === destination };
  return decide(toPolicy(plain), packetOf(formatBits(family, source), formatBits(family, destination)), host);
}

describe('on any packet of any policy', () => {
  test('agrees with the specification written down a second time', () =>
    fc.assert(
      fc.property(cases, ({ plain, aimed, isLocal }) => {
        const { verdict, step, entry } = decideAimed(plain, aimed, isLocal);
        const line = entry ? { line: lineOf(entry) } : {};
        expect({ verdict, step: step.number, ...line }).toEqual(naiveDecision(plain, aimed, isLocal));
      }),
      { numRuns: 2000 },
    ));

  test('comes next what would decide if the deciding step could not match', () => {
    const withoutStep: readonly Partial<PlainFamilyPolicy>[] = [
      {},
      { enabled: true },
      { masqueradeLinkLocal: true },
      { masqueradeSources: [] },
      { forceMasquerade: [] },
      { masqueradeOutbound: true },
      { keepSources: [] },
      { keepDestinations: [] },
    ];
    return fc.assert(
      fc.property(cases, ({ plain, aimed, isLocal }) => {
        const { step, next } = decideAimed(plain, aimed, isLocal);
        if (step.number === stepCount) {
          expect(next).toBeUndefined();
        } else {
          const changed = { ...plain, [aimed.family]: { ...plain[aimed.family], ...withoutStep[step.number - 1] } };
          expect(next).toEqual(decideAimed(changed, aimed, isLocal && step.number !== 1));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('every step decides about some of them', () => {
    const counts = new Map<number, number>();
    for (const { plain, aimed, isLocal } of fc.sample(cases, { numRuns: 2000, seed: 1 })) {
      const { step } = decideAimed(plain, aimed, isLocal);
      counts.set(step.number, (counts.get(step.number) ?? 0) + 1);
    }
    for (let step = 1; step <= stepCount; step++) expect(counts.get(step)).toBeGreaterThan(40);
  });
});

function lineOf({ source }: PolicyEntry): number | undefined {
  return source !== 'default' && 'line' in source ? source.line : undefined;
}
