import type { Cidr } from '../net/cidr.ts';
import type { Config, Sourced } from './config.ts';

/** The effective config as `validate --output json` and /configz show it: upstream's keys in upstream's order, then ours. */
export function effectiveConfigJson(config: Config): Readonly<Record<string, unknown>> {
  return {
    nonMasqueradeCIDRs: texts(config.nonMasqueradeCIDRs),
    cidrLimit: config.cidrLimit.value,
    masqLinkLocal: config.masqLinkLocal.value,
    masqLinkLocalIPv6: config.masqLinkLocalIPv6.value,
    resyncInterval: config.resyncInterval,
    nonMasqueradeSrcCIDRs: texts(config.nonMasqueradeSrcCIDRs),
    forceMasqueradeCIDRs: texts(config.forceMasqueradeCIDRs),
    masqueradeSrcCIDRs: texts(config.masqueradeSrcCIDRs),
    masqOutBound: config.masqOutBound.value,
    masqOutBoundIPv6: config.masqOutBoundIPv6.value,
  };
}

function texts(entries: readonly Sourced<Cidr>[]): readonly string[] {
  return entries.map((entry) => entry.value.text);
}
