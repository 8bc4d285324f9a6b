import type { Address } from '../net/address.ts';
import { mergeCidrs } from '../net/cidr.ts';
import type { Family } from '../net/family.ts';
import { hasAddress, type IpSet } from '../net/ip-set.ts';
import { decide, linkLocal, type Outcome } from '../policy/decide.ts';
import type { Policy, PolicyEntry } from '../policy/policy.ts';

/**
 * What a policy says of connections, for hundreds of thousands of them: the outcome depends on nothing but the lists
 * that source and destination are in, so `decide` is asked once for each combination of lists that occurs. Only for
 * destinations that are not the host's own. This is the one file of this room that knows what a policy is made of.
 */
export class VerdictLookup {
  readonly #policy: Policy;
  readonly #sourceLists: Readonly<Record<Family, readonly IpSet[]>>;
  readonly #destinationLists: Readonly<Record<Family, readonly IpSet[]>>;
  readonly #known = new Map<string, Outcome>();

  constructor(policy: Policy) {
    this.#policy = policy;
    this.#sourceLists = byFamily((family) => {
      const { masqueradeSources, keepSources, outputs } = policy[family];
      return setsOf([masqueradeSources, keepSources, ...outputs.map(({ sources }) => sources)]);
    });
    this.#destinationLists = byFamily((family) => {
      const { forceMasquerade, keepDestinations, outputs } = policy[family];
      const lists = [forceMasquerade, keepDestinations, ...outputs.map(({ destinations }) => destinations)];
      return [mergeCidrs([linkLocal[family]]), ...setsOf(lists)];
    });
  }

  outcomeOf(source: Address, destination: Address): Outcome {
    const { family } = destination;
    const sourceLists = membership(this.#sourceLists[family], source);
    const destinationLists = membership(this.#destinationLists[family], destination);
    const key = `${family} ${sourceLists} ${destinationLists}`;
    const known = this.#known.get(key);
    if (known) return known;
    const { verdict, address } = decide(this.#policy, { source, destination, protocol: undefined }, noHost);
    const outcome = { verdict, address };
    this.#known.set(key, outcome);
    return outcome;
  }
}

/** Destinations of the host's own are not asked about. */
const noHost = { isLocal: () => false };

function byFamily<T>(make: (family: Family) => T): Readonly<Record<Family, T>> {
  return { ipv4: make('ipv4'), ipv6: make('ipv6') };
}

/** An empty list tells connections apart no more than a list that is not there. */
function setsOf(lists: readonly (readonly PolicyEntry[])[]): readonly IpSet[] {
  return lists.filter((list) => list.length > 0).map((list) => mergeCidrs(list.map(({ cidr }) => cidr)));
}

/** Which of the lists an address is in, a digit for each: there may be more of them than a number has bits. */
function membership(lists: readonly IpSet[], { value }: Address): string {
  let digits = '';
  for (const list of lists) digits += hasAddress(list, value) ? '1' : '0';
  return digits;
}
