import * as fc from 'fast-check';
import type { Family } from '../../src/net/family.ts';
import type { OutputSettings } from '../builders/policy.ts';
import type { PlainFamilyPolicy, PlainPolicy } from './plain-policy.ts';
import { cidrs, policies } from './policies.ts';

/** A policy with entries of outputAddresses. */
export interface PlainPolicyWithOutputs extends PlainPolicy {
  readonly ipv4: PlainFamilyPolicy & { readonly outputs: readonly OutputSettings[] };
  readonly ipv6: PlainFamilyPolicy & { readonly outputs: readonly OutputSettings[] };
}

/** Most have lists of a few networks. */
function outputsOf(family: Family): fc.Arbitrary<OutputSettings[]> {
  const addresses = family === 'ipv4' ? ['198.51.100.10', '198.51.100.11'] : ['2001:db8:1::10', '2001:db8:1::11'];
  const list = fc.uniqueArray(cidrs(family), { maxLength: 3 });
  const output = fc.record({ address: fc.constantFrom(...addresses), destinations: list, sources: list });
  return fc.array(output, { maxLength: 3 });
}

/** Policies whose masqueraded connections get one of several addresses. */
export const policiesWithOutputs: fc.Arbitrary<PlainPolicyWithOutputs> = fc
  .tuple(policies, outputsOf('ipv4'), outputsOf('ipv6'))
  .map(([plain, ofIPv4, ofIPv6]) => ({
    ...plain,
    ipv4: { ...plain.ipv4, outputs: ofIPv4 },
    ipv6: { ...plain.ipv6, outputs: ofIPv6 },
  }));
