import type { Family } from '../../net/family.ts';
import type { ListName } from '../../policy/policy.ts';

/** The one table that the agent owns, as nft commands name it. All other names live inside it. */
export const table = 'inet ip-masq-agent';

/** Where new connections enter the table. */
export const baseChain = 'postrouting';

/**
 * The base chain's head, in nft's own spelling. Later than srcnat, so that kube-proxy and the CNI act first, as they
 * do with the jump that upstream appends to POSTROUTING.
 */
export const baseChainHead = 'type nat hook postrouting priority srcnat + 10; policy accept;';

/** Named counters outlive reloads: they belong to the table, not to a generation of rules. */
export const counters: Readonly<Record<'kept' | 'masqueraded', Readonly<Record<Family, string>>>> = {
  kept: { ipv4: 'kept-ipv4', ipv6: 'kept-ipv6' },
  masqueraded: { ipv4: 'masqueraded-ipv4', ipv6: 'masqueraded-ipv6' },
};

/** Set names, without the suffix that ties them to a policy. */
export const setNames: Readonly<Record<ListName, string>> = {
  masqueradeSources: 'masquerade-sources',
  forceMasquerade: 'force-masquerade',
  keepSources: 'keep-sources',
  keepDestinations: 'keep-destinations',
};

/**
 * Everything that depends on the policy carries the policy's hash in its name, so that a new policy can be filled in
 * beside the live one. The spare names serve one case: the live rules carry the right hash but were damaged, and must
 * be replaced by rules of the same content.
 */
export type Slot = 'regular' | 'spare';

/** The suffix of all names that belong to the policy with this hash. */
export function suffixOf(hash: string, slot: Slot): string {
  return slot === 'regular' ? hash : `${hash}-spare`;
}

/** The chain that the base chain jumps to: its name says which policy is live. */
export function policyChain(suffix: string): string {
  return `policy-${suffix}`;
}
