import type { Config, Sourced } from '../config/config.ts';
import type { Cidr } from '../net/cidr.ts';
import type { Family } from '../net/family.ts';
import type { PortRange } from '../net/port-range.ts';
import type { FamilyPolicy, Policy, PolicyEntry } from './policy.ts';

/** What the command line adds to the config. */
export interface PolicyOptions {
  readonly enableIPv6: boolean;
  readonly randomFully: boolean;
  readonly toPorts: readonly PortRange[];
}

/** The policy that a config and the flags ask for. */
export function buildPolicy(config: Config, options: PolicyOptions): Policy {
  return {
    ipv4: familyPolicy(config, 'ipv4', true),
    ipv6: familyPolicy(config, 'ipv6', options.enableIPv6),
    randomFully: options.randomFully,
    toPorts: options.toPorts,
  };
}

function familyPolicy(config: Config, family: Family, enabled: boolean): FamilyPolicy {
  return {
    family,
    enabled,
    masqueradeLinkLocal: (family === 'ipv4' ? config.masqLinkLocal : config.masqLinkLocalIPv6).value,
    masqueradeSources: entriesOf(config.masqueradeSrcCIDRs, family),
    forceMasquerade: entriesOf(config.forceMasqueradeCIDRs, family),
    masqueradeOutbound: (family === 'ipv4' ? config.masqOutBound : config.masqOutBoundIPv6).value,
    keepSources: entriesOf(config.nonMasqueradeSrcCIDRs, family),
    keepDestinations: entriesOf(config.nonMasqueradeCIDRs, family),
  };
}

/** The list's CIDRs of one family, each once: the first place that names a CIDR is its provenance. */
function entriesOf(list: readonly Sourced<Cidr>[], family: Family): PolicyEntry[] {
  const entries = new Map<string, PolicyEntry>();
  for (const { value: cidr, source } of list) {
    if (cidr.family === family && !entries.has(cidr.text)) entries.set(cidr.text, { cidr, source });
  }
  return [...entries.values()];
}
