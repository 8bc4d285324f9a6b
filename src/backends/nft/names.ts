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

/** Set names, without what ties them to a content. */
export const setNames: Readonly<Record<ListName, string>> = {
  masqueradeSources: 'masquerade-sources',
  forceMasquerade: 'force-masquerade',
  keepSources: 'keep-sources',
  keepDestinations: 'keep-destinations',
};

/**
 * Names carry the hash of what they stand for, so that a new policy can be filled in beside the live one, and a list
 * that did not change need not be filled again. The spare names serve one case: what live rules refer to carries the
 * right name but was damaged, and must be replaced by the same, undamaged. Two policies at most are live at a time.
 */
export const spareEndings = ['-spare', '-spare-2'] as const;
