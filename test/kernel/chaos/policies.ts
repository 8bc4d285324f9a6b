import * as fc from 'fast-check';
import type { Family } from '../../../src/net/family.ts';
import { configText } from '../../generators/config-text.ts';
import { type PlainFamilyPolicy, type PlainPolicy, plainFamily, plainPolicy } from '../../generators/plain-policy.ts';
import { addresses } from '../harness/topology.ts';

/** What the flood sends to: every policy here keeps the one and masquerades the other, each in its own way. */
const kept: Readonly<Record<Family, string>> = { ipv4: '10.99.0.0/16', ipv6: 'fd00:99::/32' };
const masqueraded: Readonly<Record<Family, string>> = { ipv4: '203.0.0.0/16', ipv6: '2001:db8:203::/48' };
export const floodPlan = { kept: Object.values(kept), masqueraded: Object.values(masqueraded) };

const everything: Readonly<Record<Family, string>> = { ipv4: '0.0.0.0/0', ipv6: '::/0' };
const ways = ['keep destinations', 'keep sources', 'keep everything', 'outbound off'] as const;

/** A family's policy in few numbers, so that a plan of thousands of them stays small and readable. */
interface FamilyShape {
  /** Which list or setting decides about the flood. */
  readonly way: (typeof ways)[number];
  readonly onlyListedSources: boolean;
  readonly masqueradeLinkLocal: boolean;
  /** Entries that have nothing to do with the flood: how many in each list, counted on from the first one. */
  readonly filler: { readonly first: number; readonly destinations: number; readonly sources: number };
}

export type PolicyShape = Readonly<Record<Family, FamilyShape>>;

const sizes = fc.constantFrom(0, 0, 1, 7, 60, 400, 1_500);
const familyShapes: fc.Arbitrary<FamilyShape> = fc.record({
  way: fc.constantFrom(...ways),
  onlyListedSources: fc.boolean(),
  masqueradeLinkLocal: fc.boolean(),
  filler: fc.record({ first: fc.integer({ min: 1, max: 900 }), destinations: sizes, sources: sizes }),
});

export const policyShapes: fc.Arbitrary<PolicyShape> = fc.record({ ipv4: familyShapes, ipv6: familyShapes });

/** The policy that a shape means. */
export function policyOfShape({ ipv4, ipv6 }: PolicyShape): PlainPolicy {
  return { ...plainPolicy, ipv4: familyPolicy('ipv4', ipv4), ipv6: familyPolicy('ipv6', ipv6) };
}

function familyPolicy(family: Family, shape: FamilyShape): PlainFamilyPolicy {
  const { way, onlyListedSources, masqueradeLinkLocal } = shape;
  const { first, destinations, sources } = shape.filler;
  const pod = addresses[family].pod;
  const fillers = (count: number) => Array.from({ length: count }, (_, index) => filler(family, first + index));
  return {
    enabled: true,
    masqueradeLinkLocal,
    masqueradeSources: onlyListedSources ? [pod24(family), ...fillers(sources)] : [],
    forceMasquerade: way === 'keep destinations' ? fillers(sources) : [...fillers(sources), masqueraded[family]],
    masqueradeOutbound: way !== 'outbound off',
    keepSources: way === 'keep sources' ? [`${pod}/${family === 'ipv4' ? 32 : 128}`] : fillers(sources),
    keepDestinations: [
      ...fillers(destinations),
      ...(way === 'keep destinations' ? [kept[family]] : []),
      ...(way === 'keep everything' ? [everything[family]] : []),
    ],
  };
}

function pod24(family: Family): string {
  return family === 'ipv4' ? '10.244.7.0/24' : 'fd00:244::/64';
}

/** Half networks with gaps between them, which nothing merges. */
function filler(family: Family, index: number): string {
  if (family === 'ipv6') return `fd12:1:${index.toString(16)}::/49`;
  return `172.${16 + (index >> 8)}.${index & 255}.0/25`;
}

/** The first one, which each list has a part in. */
export const firstPolicy: PlainPolicy = policyOfShape({
  ipv4: {
    way: 'keep destinations',
    onlyListedSources: true,
    masqueradeLinkLocal: false,
    filler: { first: 1, destinations: 60, sources: 7 },
  },
  ipv6: {
    way: 'keep sources',
    onlyListedSources: false,
    masqueradeLinkLocal: true,
    filler: { first: 1, destinations: 7, sources: 60 },
  },
});

/** What the agent does without any config file. It keeps no IPv6 network of the flood. */
export const defaultPolicy: PlainPolicy = {
  ...plainPolicy,
  ipv4: { ...plainFamily, keepDestinations: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'] },
};

/** A config file that asks for the policy. */
export function chaosConfig(policy: PlainPolicy): string {
  return `cidrLimit: 10000\n${configText(policy).text}`;
}

/** Config files that must change nothing. */
export const badConfigs = [
  'nonMasqueradeCIDRs: [10.0.0.0/33]\n',
  'nonMasqueradeCIDRs: [10.0.0.1/8]\nmasqOutBound: false\n',
  'nonMasqueradeCIDRs:\n\t- 10.0.0.0/8\n',
  'nonMasqueradeCIDRs: [10.0.0.0/8\n',
  '{"nonMasqueradeCIDRs": ["10.0.0.0/8",]}',
  `nonMasqueradeCIDRs:\n${'  - 10.0.0.0/8\n'.repeat(65)}`,
  'resyncInterval: soon\n',
] as const;
