import { families } from '../../src/net/family.ts';
import { listNames } from '../../src/policy/policy.ts';
import { type PlainFamilyPolicy, type PlainPolicy, plainFamily } from './plain-policy.ts';

/** Every policy that is one step simpler: an entry or a list less, a setting at its default, no ports. */
export function* simplerPolicies(policy: PlainPolicy): Generator<PlainPolicy> {
  if (policy.toPorts.length > 0) yield { ...policy, toPorts: [] };
  if (!policy.randomFully) yield { ...policy, randomFully: true };
  for (const family of families) {
    for (const simpler of simplerFamilies(policy[family])) yield { ...policy, [family]: simpler };
  }
}

function* simplerFamilies(policy: PlainFamilyPolicy): Generator<PlainFamilyPolicy> {
  for (const list of listNames) {
    const cidrs = policy[list];
    if (cidrs.length > 1) yield { ...policy, [list]: [] };
    for (const cidr of cidrs) yield { ...policy, [list]: cidrs.filter((other) => other !== cidr) };
  }
  for (const setting of ['enabled', 'masqueradeLinkLocal', 'masqueradeOutbound'] as const) {
    if (policy[setting] !== plainFamily[setting]) yield { ...policy, [setting]: plainFamily[setting] };
  }
}

/** The simplest policy that still fails, trying at most `tries` others. */
export async function simplest(
  policy: PlainPolicy,
  fails: (policy: PlainPolicy) => Promise<boolean>,
  tries = 200,
): Promise<PlainPolicy> {
  let best = policy;
  let left = tries;
  let found = true;
  while (found) {
    found = false;
    for (const candidate of simplerPolicies(best)) {
      if (left-- <= 0) return best;
      if (await fails(candidate)) {
        best = candidate;
        found = true;
        break;
      }
    }
  }
  return best;
}
