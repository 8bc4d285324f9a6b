import type { Family } from '../../src/net/family.ts';
import { type Bits, inNetwork } from './bits.ts';
import type { PlainPolicy } from './plain-policy.ts';

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

const linkLocalBits = { ipv4: '1010100111111110', ipv6: '1111111010' };

/** What the specification says of a packet, written down a second time as plainly as can be, step by step. */
export function naiveDecision(
  policy: PlainPolicy,
  { family, source, destination }: NaivePacket,
  isLocal: boolean,
): NaiveDecision {
  const { enabled, masqueradeLinkLocal, masqueradeOutbound, ...lists } = policy[family];
  const lineOf = (address: Bits, list: readonly string[]) => list.findIndex((cidr) => inNetwork(cidr, address)) + 1;
  let line: number;

  if (isLocal) return { verdict: 'keep', step: 1 };

  if (!enabled) return { verdict: 'keep', step: 2 };

  if (!masqueradeLinkLocal && destination.startsWith(linkLocalBits[family])) return { verdict: 'keep', step: 3 };

  line = lineOf(source, lists.masqueradeSources);
  if (lists.masqueradeSources.length > 0 && line === 0) return { verdict: 'keep', step: 4 };

  line = lineOf(destination, lists.forceMasquerade);
  if (line > 0) return { verdict: 'masquerade', step: 5, line };

  if (!masqueradeOutbound) return { verdict: 'keep', step: 6 };

  line = lineOf(source, lists.keepSources);
  if (line > 0) return { verdict: 'keep', step: 7, line };

  line = lineOf(destination, lists.keepDestinations);
  if (line > 0) return { verdict: 'keep', step: 8, line };

  return { verdict: 'masquerade', step: 9 };
}
