import type { Family } from '../../net/family.ts';
import { formatPortRange, type PortRange, portRangeShares } from '../../net/port-range.ts';
import { counters } from './names.ts';

/** Only these have ports that masquerade can choose. */
const protocolsWithPorts = 'meta l4proto { tcp, udp, sctp }';

/**
 * The rules of a chain that masquerades whatever enters it.
 *
 * Several port ranges are chosen in proportion to their size by one rule each, with the chance of a range among those
 * that remain, as upstream does with `-m statistic`. A map from a random number to ranges would be shorter, but nft
 * up to 1.0.6 loads it as ranges that end at port 0.
 */
export function masqueradeRules(family: Family, toPorts: readonly PortRange[], randomFully: boolean): string[] {
  const count = `counter name "${counters.masqueraded[family]}"`;
  const random = randomFully ? ' fully-random' : '';
  const ranged = portRangeShares(toPorts).map(({ range, size, remaining }) => {
    const chance = size < remaining ? ` numgen random mod ${remaining} < ${size}` : '';
    return `${protocolsWithPorts}${chance} ${count} masquerade to :${formatPortRange(range)}${random}`;
  });
  return [...ranged, `${count} masquerade${random}`];
}
