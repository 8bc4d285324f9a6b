import { type AddressRange, coveringCidrs, parseAddress, parseCidr, rangeOf } from '../../net/cidr.ts';
import { addressBits, type Family } from '../../net/family.ts';
import { ipSet } from '../../net/ip-set.ts';
import type { Runner } from '../../system/run.ts';
import { eachDestinationList, type HeldDestinations } from '../held-destinations.ts';
import type { Listing } from './listing.ts';
import { setNames } from './names.ts';
import { createKernelTable } from './table.ts';

/** The destinations that the sets in the kernel have; none where there is no table of ours. Throws AgentError. */
export async function readHeldDestinations(runner: Runner, signal?: AbortSignal): Promise<readonly HeldDestinations[]> {
  return heldDestinations((await createKernelTable(runner).read({ isTerse: false }, signal)).listing);
}

/** The destinations that the sets of a listing with elements have. */
export function heldDestinations(listing: Listing): readonly HeldDestinations[] {
  return eachDestinationList((family, list) => {
    const start = `set ${setNames[list]}-${family}-`;
    const bodies = [...listing].filter(([key]) => key.startsWith(start)).map(([, body]) => body);
    const ranges = ipSet(bodies.flatMap((body) => rangesIn(body, family)));
    return { family, list, cidrs: coveringCidrs(ranges, family), isMerged: true };
  });
}

function rangesIn(body: string, family: Family): AddressRange[] {
  const [, elements = ''] = /elements = \{ ([^}]*) \}/.exec(body) ?? [];
  return elements.split(', ').flatMap((element) => rangeIn(element, family) ?? []);
}

/** An address, a prefix or a range. What is none of them somebody else has written; it shows as a difference. */
function rangeIn(element: string, family: Family): AddressRange | undefined {
  const [first, last] = element.split('-').map(parseAddress);
  if (first && last) return { first: first.value, last: last.value };
  const cidr = parseCidr(element.includes('/') ? element : `${element}/${addressBits[family]}`);
  return cidr && rangeOf(cidr);
}
