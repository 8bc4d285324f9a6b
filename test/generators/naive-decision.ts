import type { Family } from '../../src/net/family.ts';
import type { ListName } from '../../src/policy/policy.ts';
import { type Bits, inNetwork } from './bits.ts';
import type { PlainFamilyPolicy, PlainPolicy } from './plain-policy.ts';

export interface NaivePacket {
  readonly family: Family;
  readonly source: Bits;
  readonly destination: Bits;
}

export interface NaiveDecision {
  readonly verdict: 'keep' | 'masquerade';
  readonly step: number;
  /** Where the step is a list: the place in it, from 1, of the entry that decided. */
  readonly line?: number;
}

export const linkLocalBits = { ipv4: '1010100111111110', ipv6: '1111111010' };

/** What the specification says of a packet, written down a second time as plainly as can be, step by step. */
export function naiveDecision(
  policy: PlainPolicy,
  { family, source, destination }: NaivePacket,
  isLocal: boolean,
): NaiveDecision {
  const lineOf = (address: Bits, list: readonly string[]) => list.findIndex((cidr) => inNetwork(cidr, address)) + 1;
  return decisionByLines(
    policy[family],
    destination.startsWith(linkLocalBits[family]),
    {
      masqueradeSources: lineOf(source, policy[family].masqueradeSources),
      keepSources: lineOf(source, policy[family].keepSources),
      forceMasquerade: lineOf(destination, policy[family].forceMasquerade),
      keepDestinations: lineOf(destination, policy[family].keepDestinations),
    },
    isLocal,
  );
}

/** The same, where it is known in which line of each list source or destination stand first; 0: in none. */
export function decisionByLines(
  policy: PlainFamilyPolicy,
  isLinkLocal: boolean,
  lines: Readonly<Record<ListName, number>>,
  isLocal: boolean,
): NaiveDecision {
  let line: number;

  if (isLocal) return { verdict: 'keep', step: 1 };

  if (!policy.enabled) return { verdict: 'keep', step: 2 };

  if (!policy.masqueradeLinkLocal && isLinkLocal) return { verdict: 'keep', step: 3 };

  line = lines.masqueradeSources;
  if (policy.masqueradeSources.length > 0 && line === 0) return { verdict: 'keep', step: 4 };

  line = lines.forceMasquerade;
  if (line > 0) return { verdict: 'masquerade', step: 5, line };

  if (!policy.masqueradeOutbound) return { verdict: 'keep', step: 6 };

  line = lines.keepSources;
  if (line > 0) return { verdict: 'keep', step: 7, line };

  line = lines.keepDestinations;
  if (line > 0) return { verdict: 'keep', step: 8, line };

  return { verdict: 'masquerade', step: 9 };
}
