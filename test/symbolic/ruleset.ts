import { formatAddress, parseAddress } from '../../src/net/cidr.ts';
import type { Family } from '../../src/net/family.ts';
import { difference, type IpSet, intersection } from '../../src/net/ip-set.ts';
import type { Side } from '../../src/policy/decide.ts';

/** All packets, of one kind, from any of the sources to any of the destinations. */
export interface Packets {
  readonly family: Family;
  readonly protocol: string;
  /** The destinations are addresses of the host itself. */
  readonly isLocal: boolean;
  /** They leave by the interface lo. */
  readonly leavesByLo: boolean;
  readonly sources: IpSet;
  readonly destinations: IpSet;
  /** How likely one of them is here, 0 to 1: rules may throw dice. */
  readonly chance: number;
  /** The counters that counted them, in order. */
  readonly counters: readonly string[];
}

/** A condition of a rule. */
export type Match =
  | { readonly kind: 'address'; readonly side: Side; readonly family: Family; readonly set: IpSet }
  | { readonly kind: 'family'; readonly families: readonly Family[] }
  | { readonly kind: 'protocol'; readonly protocols: readonly string[] }
  | { readonly kind: 'local' | 'leaves-by-lo'; readonly value: boolean }
  | { readonly kind: 'chance'; readonly chance: number };

/** What a masqueraded connection gets. Without an address: that of the interface that it leaves by. */
export interface NewSource {
  readonly address: string | undefined;
  readonly ports: string | undefined;
  readonly random: boolean;
}

/** `192.0.2.1`, `192.0.2.1:1024-2047`, `2001:db8::1` or `[2001:db8::1]:1024-2047`. */
export function addressAndPorts(text: string): Pick<NewSource, 'address' | 'ports'> {
  const [, bracketed, dotted, ports] = /^(?:\[([\da-f:.]+)\]|([\d.]+)):([\d-]+)$/.exec(text) ?? [];
  const address = parseAddress(bracketed ?? dotted ?? text);
  if (!address) throw new Error(`no address with or without ports: ${text}`);
  return { address: formatAddress(address.family, address.value), ports };
}

export type Action =
  | { readonly kind: 'continue' | 'return' | 'accept' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  | ({ readonly kind: 'masquerade' } & NewSource);

/** What a rule does with packets that meet its conditions. A verdict map is several of these for one rule. */
export interface Rule {
  readonly matches: readonly Match[];
  readonly counters: readonly string[];
  readonly action: Action;
}

export type Chains = ReadonlyMap<string, readonly Rule[]>;

/** Packets whose fate is known: masqueraded, or left as they are. */
export interface Fate {
  readonly packets: Packets;
  readonly masquerade?: NewSource | undefined;
  readonly isAccepted?: boolean;
}

/** What becomes of packets that enter a chain: an exact answer for each of them, since nothing is tried and all is computed. */
export function fatesIn(chains: Chains, base: string, packets: Packets): Fate[] {
  const { fates, left } = walk(chains, base, [packets], []);
  return [...fates, ...left.map((rest) => ({ packets: rest }))];
}

interface Walk {
  readonly fates: Fate[];
  /** What came to the end of the chain, or returned from it. */
  readonly left: Packets[];
}

function walk(chains: Chains, name: string, entering: readonly Packets[], path: readonly string[]): Walk {
  const rules = chains.get(name);
  if (!rules) throw new Error(`there is no chain ${name}`);
  if (path.includes(name)) throw new Error(`chain ${name} is reached from itself`);
  const fates: Fate[] = [];
  const left: Packets[] = [];
  let reaching = [...entering];
  for (const { matches, counters, action } of rules) {
    const parted = reaching.map((packets) => apply(matches, packets));
    const matching = parted.flatMap(({ inside }) =>
      inside.map((packets) => ({ ...packets, counters: [...packets.counters, ...counters] })),
    );
    reaching = parted.flatMap(({ outside }) => outside);
    const done = act(action, matching, (chain) => walk(chains, chain, matching, [...path, name]));
    fates.push(...(done.fates ?? []));
    left.push(...(done.left ?? []));
    reaching.push(...(done.passing ?? []));
  }
  return { fates, left: [...left, ...reaching] };
}

/** What a rule makes of packets that it matches; `passing` go on to the next rule, `left` leave the chain. */
function act(
  action: Action,
  matching: Packets[],
  call: (chain: string) => Walk,
): Partial<Walk & { readonly passing: Packets[] }> {
  switch (action.kind) {
    case 'continue':
      return { passing: matching };
    case 'return':
      return { left: matching };
    case 'accept':
      return { fates: matching.map((packets) => ({ packets, isAccepted: true })) };
    case 'masquerade':
      return { fates: matching.map((packets) => ({ packets, masquerade: action })) };
    case 'goto':
      // What comes to the end of a chain that was gone to does not come back to this one.
      return call(action.chain);
    case 'jump': {
      const { fates, left } = call(action.chain);
      return { fates, passing: left };
    }
  }
}

/** Parts packets by whether they meet all conditions. */
function apply(matches: readonly Match[], packets: Packets): { inside: Packets[]; outside: Packets[] } {
  let inside = [packets];
  const outside: Packets[] = [];
  for (const match of matches) {
    const parted = inside.map((some) => part(match, some));
    inside = parted.flatMap(({ yes }) => yes);
    outside.push(...parted.flatMap(({ no }) => no));
  }
  return { inside, outside };
}

function part(match: Match, packets: Packets): { yes: Packets[]; no: Packets[] } {
  const whole = (isMatch: boolean) => (isMatch ? { yes: [packets], no: [] } : { yes: [], no: [packets] });
  switch (match.kind) {
    case 'family':
      return whole(match.families.includes(packets.family));
    case 'protocol':
      return whole(match.protocols.includes(packets.protocol));
    case 'local':
      return whole(packets.isLocal === match.value);
    case 'leaves-by-lo':
      return whole(packets.leavesByLo === match.value);
    case 'chance': {
      const share = (chance: number) => (chance > 0 ? [{ ...packets, chance: packets.chance * chance }] : []);
      return { yes: share(match.chance), no: share(1 - match.chance) };
    }
    case 'address': {
      if (match.family !== packets.family) return whole(false);
      const key = match.side === 'source' ? 'sources' : 'destinations';
      const only = (set: IpSet) => (set.length > 0 ? [{ ...packets, [key]: set }] : []);
      return {
        yes: only(intersection(packets[key], match.set)),
        no: only(difference(packets[key], match.set, packets.family)),
      };
    }
  }
}
