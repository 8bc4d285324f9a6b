import type { Address } from '../net/address.ts';
import { type AddressRange, mergeCidrs } from '../net/cidr.ts';
import type { Family } from '../net/family.ts';
import { decide, linkLocal, type Verdict } from '../policy/decide.ts';
import type { Policy, PolicyEntry } from '../policy/policy.ts';

/** What becomes, or became, of the source address of a connection. */
export interface Treatment {
  readonly verdict: Verdict;
  /** That of a masqueraded connection; null for one that is kept, or may have any address of the node. */
  readonly address: string | null;
}

/**
 * What a policy says of connections, for hundreds of thousands of them: the verdict depends on nothing but the lists
 * that source and destination are in, so `decide` is asked once for each combination of lists that occurs. Only for
 * destinations that are not the host's own. This is the one file of this room that knows what a policy is made of.
 */
export class VerdictLookup {
  readonly #policy: Policy;
  readonly #sourceLists: Readonly<Record<Family, readonly Ranges[]>>;
  readonly #destinationLists: Readonly<Record<Family, readonly Ranges[]>>;
  readonly #known = new Map<string, Treatment>();

  constructor(policy: Policy) {
    this.#policy = policy;
    this.#sourceLists = byFamily((family) => [
      rangesOf(policy[family].masqueradeSources),
      rangesOf(policy[family].keepSources),
    ]);
    this.#destinationLists = byFamily((family) => [
      mergeCidrs([linkLocal[family]]),
      rangesOf(policy[family].forceMasquerade),
      rangesOf(policy[family].keepDestinations),
    ]);
  }

  treatmentOf(source: Address, destination: Address): Treatment {
    const { family } = destination;
    const sourceLists = membership(this.#sourceLists[family], source);
    const destinationLists = membership(this.#destinationLists[family], destination);
    const key = `${family} ${sourceLists} ${destinationLists}`;
    const known = this.#known.get(key);
    if (known) return known;
    const { verdict } = decide(this.#policy, { source, destination, protocol: undefined }, noHost);
    const treatment = { verdict, address: null };
    this.#known.set(key, treatment);
    return treatment;
  }
}

/** Destinations of the host's own are not asked about. */
const noHost = { isLocal: () => false };

type Ranges = readonly AddressRange[];

function byFamily<T>(make: (family: Family) => T): Readonly<Record<Family, T>> {
  return { ipv4: make('ipv4'), ipv6: make('ipv6') };
}

function rangesOf(entries: readonly PolicyEntry[]): Ranges {
  return mergeCidrs(entries.map(({ cidr }) => cidr));
}

/** The lists that an address is in, one bit for each. */
function membership(lists: readonly Ranges[], { value }: Address): number {
  let bits = 0;
  for (const ranges of lists) bits = bits * 2 + (holds(ranges, value) ? 1 : 0);
  return bits;
}

/** Binary search: lists may have 100,000 ranges, and every connection asks. */
function holds(ranges: Ranges, value: bigint): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const range = ranges[middle];
    if (!range || range.first > value) high = middle;
    else if (range.last < value) low = middle + 1;
    else return true;
  }
  return false;
}
