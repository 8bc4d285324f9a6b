import { type Cidr, containsAddress } from '../net/cidr.ts';
import type { Family } from '../net/family.ts';
import { type PortRange, portRangeShares } from '../net/port-range.ts';
import { anyHost, type Host } from './host.ts';
import type { Packet } from './packet.ts';
import type { FamilyPolicy, Policy, PolicyEntry } from './policy.ts';
import { protocolsWithPorts } from './protocol.ts';

/** `keep` means that this agent leaves the packet alone: other NAT rules of the host still see it. */
export type Verdict = 'masquerade' | 'keep';

/** The destinations that `masqueradeLinkLocal` is about. */
export const linkLocal: Readonly<Record<Family, Cidr>> = {
  ipv4: { family: 'ipv4', network: 0xa9fe_0000n, prefix: 16, text: '169.254.0.0/16' },
  ipv6: { family: 'ipv6', network: 0xfe80n << 112n, prefix: 10, text: 'fe80::/10' },
};

/** One step of the decision. One that looks into a list answers with the entry, the others with yes or no. */
interface Step {
  readonly id: string;
  readonly verdict: Verdict;
  matches(policy: FamilyPolicy, packet: Packet, host: Host): PolicyEntry | boolean | undefined;
}

/** The steps that may match, in order: the first that does gives the verdict. */
const conditions = [
  {
    id: 'local-destination',
    verdict: 'keep',
    matches: (_, { destination }, host) => host.isLocal(destination),
  },
  {
    id: 'ipv6-off',
    verdict: 'keep',
    matches: ({ enabled }) => !enabled,
  },
  {
    id: 'link-local',
    verdict: 'keep',
    matches: ({ family, masqueradeLinkLocal }, { destination }) =>
      !masqueradeLinkLocal && containsAddress(linkLocal[family], destination),
  },
  {
    id: 'source-not-listed',
    verdict: 'keep',
    matches: ({ masqueradeSources }, { source }) =>
      masqueradeSources.length > 0 && !entryFor(masqueradeSources, source),
  },
  {
    id: 'force-masquerade',
    verdict: 'masquerade',
    matches: ({ forceMasquerade }, { destination }) => entryFor(forceMasquerade, destination),
  },
  {
    id: 'outbound-off',
    verdict: 'keep',
    matches: ({ masqueradeOutbound }) => !masqueradeOutbound,
  },
  {
    id: 'keep-source',
    verdict: 'keep',
    matches: ({ keepSources }, { source }) => entryFor(keepSources, source),
  },
  {
    id: 'keep-destination',
    verdict: 'keep',
    matches: ({ keepDestinations }, { destination }) => entryFor(keepDestinations, destination),
  },
] as const satisfies readonly Step[];

/** The steps by name; `outbound` is the last, which takes what no other step took. */
export type StepId = (typeof conditions)[number]['id'] | 'outbound';

/** How many steps the decision has; they count from 1. */
export const stepCount = conditions.length + 1;

/** A range of source ports and the chance, 0 to 1, that a connection gets a port of it. */
export interface PortChance {
  readonly range: PortRange;
  readonly chance: number;
}

/** How the source port of a masqueraded connection is chosen. */
export interface PortChoice {
  /** Empty: the kernel chooses among all ports. Without a protocol in the packet: what tcp, udp and sctp get. */
  readonly ranges: readonly PortChance[];
  /** Whether it is chosen at random, or the original port is kept where it is free. */
  readonly randomFully: boolean;
}

/** What becomes of the first packet of a connection, and why. */
export interface Decision {
  readonly verdict: Verdict;
  /** The step that decided, 1 to 9. */
  readonly step: number;
  /** The same step by name. */
  readonly id: StepId;
  /** The first entry, in config order, of the step's list that contains the address. Undefined for other steps. */
  readonly entry: PolicyEntry | undefined;
  /** Undefined where the source address and port are kept. */
  readonly ports: PortChoice | undefined;
  /** What the steps after this one would have decided. Undefined after the last. */
  readonly next: Decision | undefined;
}

/**
 * Decides what the agent does with a connection: the model that every backend's rules must agree with.
 * Without a host, the only destinations taken for the host's own are loopback addresses.
 */
export function decide(policy: Policy, packet: Packet, host: Host = anyHost): Decision {
  const familyPolicy = policy[packet.destination.family];
  let decision: Decision = {
    verdict: 'masquerade',
    step: stepCount,
    id: 'outbound',
    entry: undefined,
    ports: portChoice(policy, packet),
    next: undefined,
  };
  for (const [index, { id, verdict, matches }] of [...conditions.entries()].reverse()) {
    const match = matches(familyPolicy, packet, host);
    if (!match) continue;
    decision = {
      verdict,
      step: index + 1,
      id,
      entry: match === true ? undefined : match,
      ports: verdict === 'masquerade' ? portChoice(policy, packet) : undefined,
      next: decision,
    };
  }
  return decision;
}

/** The first entry that contains the address, as the first iptables rule that it would hit. */
function entryFor(list: readonly PolicyEntry[], address: Packet['source']): PolicyEntry | undefined {
  return list.find(({ cidr }) => containsAddress(cidr, address));
}

function portChoice({ toPorts, randomFully }: Policy, { protocol }: Packet): PortChoice {
  if (protocol !== undefined && !protocolsWithPorts.includes(protocol)) return { ranges: [], randomFully };
  const shares = portRangeShares(toPorts);
  const total = shares[0]?.remaining ?? 0;
  return { ranges: shares.map(({ range, size }) => ({ range, chance: size / total })), randomFully };
}
