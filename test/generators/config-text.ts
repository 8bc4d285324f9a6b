import type { Family } from '../../src/net/family.ts';
import { families } from '../../src/net/family.ts';
import { type ListName, listNames } from '../../src/policy/policy.ts';
import type { PlainPolicy } from './plain-policy.ts';

const keys: Readonly<Record<ListName, string>> = {
  masqueradeSources: 'masqueradeSrcCIDRs',
  forceMasquerade: 'forceMasqueradeCIDRs',
  keepSources: 'nonMasqueradeSrcCIDRs',
  keepDestinations: 'nonMasqueradeCIDRs',
};

export interface ConfigText {
  readonly text: string;
  /** The line of the n-th entry, from 1, of a family's list. */
  lineOf(family: Family, list: ListName, entry: number): number | undefined;
}

/** A config file that asks for the policy, one entry a line. */
export function configText({ ipv4, ipv6 }: PlainPolicy): ConfigText {
  const lines = [
    `masqLinkLocal: ${ipv4.masqueradeLinkLocal}`,
    `masqLinkLocalIPv6: ${ipv6.masqueradeLinkLocal}`,
    `masqOutBound: ${ipv4.masqueradeOutbound}`,
    `masqOutBoundIPv6: ${ipv6.masqueradeOutbound}`,
  ];
  const places = new Map<string, number>();
  for (const list of listNames) {
    const isEmpty = ipv4[list].length + ipv6[list].length === 0;
    lines.push(isEmpty ? `${keys[list]}: []` : `${keys[list]}:`);
    for (const family of families) {
      for (const [index, cidr] of { ipv4, ipv6 }[family][list].entries()) {
        lines.push(`  - ${cidr}`);
        places.set(`${family} ${list} ${index + 1}`, lines.length);
      }
    }
  }
  return {
    text: `${lines.join('\n')}\n`,
    lineOf: (family, list, entry) => places.get(`${family} ${list} ${entry}`),
  };
}

/** The flags that ask for the rest of the policy. */
export function configFlags({ ipv6, randomFully, toPorts }: PlainPolicy): string[] {
  return [
    `--enable-ipv6=${ipv6.enabled}`,
    `--random-fully=${randomFully}`,
    ...(toPorts.length > 0 ? [`--to-ports=${toPorts.map(({ first, last }) => `${first}-${last}`).join(',')}`] : []),
  ];
}
