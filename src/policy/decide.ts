import type { Config } from '../config/config.ts';
import type { Source } from '../config/source.ts';
import { AgentError } from '../errors.ts';
import { type Cidr, containsAddress, formatAddress } from '../net/cidr.ts';
import type { Family } from '../net/family.ts';
import { type PortRange, portRangeShares } from '../net/port-range.ts';
import { anyHost, type Host } from './host.ts';
import { type Packet, protocolsWithPorts } from './packet.ts';
import {
  type FamilyPolicy,
  familyNames,
  listKeys,
  type Policy,
  type PolicyEntry,
  type PolicyOutput,
} from './policy.ts';

/** `keep` means that this agent leaves the packet alone: other NAT rules of the host still see it. */
export type Verdict = 'masquerade' | 'keep';

/** The destinations that `masqueradeLinkLocal` is about. */
export const linkLocal: Readonly<Record<Family, Cidr>> = {
  ipv4: { family: 'ipv4', network: 0xa9fe_0000n, prefix: 16, text: '169.254.0.0/16' },
  ipv6: { family: 'ipv6', network: 0xfe80n << 112n, prefix: 10, text: 'fe80::/10' },
};

const linkLocalKeys = { ipv4: 'masqLinkLocal', ipv6: 'masqLinkLocalIPv6' } as const;
const outboundKeys = { ipv4: 'masqOutBound', ipv6: 'masqOutBoundIPv6' } as const;

/** What becomes of a connection, as one value: outcomes are compared, never verdicts alone. */
export interface Outcome {
  readonly verdict: Verdict;
  /** The address that a masqueraded connection gets; null: that of the interface it leaves by, or its own where it is kept. */
  readonly address: string | null;
}

/** What a step makes of what it takes, where an output or none names the address. */
export function outcomeOf({ verdict }: Pick<Step, 'verdict'>, output: PolicyOutput | undefined): Outcome {
  if (verdict === 'keep' || !output) return { verdict, address: null };
  return { verdict, address: formatAddress(output.address.family, output.address.value) };
}

export function sameOutcome(one: Outcome, other: Outcome): boolean {
  return one.verdict === other.verdict && one.address === other.address;
}

/** Where the settings that are no lists were made: a policy holds their values only. */
export type Settings = Pick<Config, 'masqLinkLocal' | 'masqLinkLocalIPv6' | 'masqOutBound' | 'masqOutBoundIPv6'>;

/** The side of a connection that a list is about. */
export type Side = 'source' | 'destination';

/** Which connections a step takes, of those that reach it. */
export type Taking =
  | { readonly kind: 'all' }
  /** Those to addresses of the host itself, which no policy knows. */
  | { readonly kind: 'to-host' }
  | { readonly kind: 'listed' | 'not-listed'; readonly side: Side; readonly entries: readonly PolicyEntry[] };

interface Step {
  readonly id: string;
  readonly verdict: Verdict;
  /** What it takes under a policy; undefined: nothing. */
  readonly takes: (policy: FamilyPolicy) => Taking | undefined;
  /** Why it decides, for people. */
  readonly reason: (family: Family) => string;
  /** Where that was written, for a step that no entry of a list decides. */
  readonly source?: (settings: Settings, policy: FamilyPolicy) => Source | undefined;
}

/**
 * The decision, step by step: the first that takes a connection gives the verdict, and the last takes what is left.
 * Explanations, regions and lint are made from this table; a new step needs a line here and a rule in each renderer.
 */
const decisionTable = [
  {
    id: 'local-destination',
    verdict: 'keep',
    takes: () => ({ kind: 'to-host' }),
    reason: () => 'the destination is an address of the host itself',
  },
  {
    id: 'ipv6-off',
    verdict: 'keep',
    takes: ({ enabled }) => (enabled ? undefined : { kind: 'all' }),
    reason: () => 'IPv6 is left alone without --enable-ipv6',
    source: () => ({ flag: 'enable-ipv6' }),
  },
  {
    id: 'link-local',
    verdict: 'keep',
    takes: ({ family, masqueradeLinkLocal }) =>
      masqueradeLinkLocal ? undefined : listed('destination', [{ cidr: linkLocal[family], source: 'default' }]),
    reason: (family) => `the destination is link-local and ${linkLocalKeys[family]} is false`,
    source: (settings, { family }) => settings[linkLocalKeys[family]].source,
  },
  {
    id: 'source-not-listed',
    verdict: 'keep',
    takes: ({ masqueradeSources: entries }) =>
      entries.length > 0 ? { kind: 'not-listed', side: 'source', entries } : undefined,
    reason: (family) =>
      `${listKeys.masqueradeSources} has ${familyNames[family]} entries, and the source is in none of them`,
    source: (_, { masqueradeSources }) => masqueradeSources[0]?.source,
  },
  {
    id: 'force-masquerade',
    verdict: 'masquerade',
    takes: ({ forceMasquerade }) => listed('destination', forceMasquerade),
    reason: () => `the destination is in ${listKeys.forceMasquerade}`,
  },
  {
    id: 'outbound-off',
    verdict: 'keep',
    takes: ({ masqueradeOutbound }) => (masqueradeOutbound ? undefined : { kind: 'all' }),
    reason: (family) => `${outboundKeys[family]} is false: only ${listKeys.forceMasquerade} is masqueraded`,
    source: (settings, { family }) => settings[outboundKeys[family]].source,
  },
  {
    id: 'keep-source',
    verdict: 'keep',
    takes: ({ keepSources }) => listed('source', keepSources),
    reason: () => `the source is in ${listKeys.keepSources}`,
  },
  {
    id: 'keep-destination',
    verdict: 'keep',
    takes: ({ keepDestinations }) => listed('destination', keepDestinations),
    reason: () => `the destination is in ${listKeys.keepDestinations}`,
  },
  {
    id: 'outbound',
    verdict: 'masquerade',
    takes: () => ({ kind: 'all' }),
    reason: () => 'nothing says to keep the source',
  },
] as const satisfies readonly Step[];

/** The steps by name. */
export type StepId = (typeof decisionTable)[number]['id'];

/** A step of the decision with its place in it; they count from 1. */
export interface NumberedStep extends Step {
  readonly id: StepId;
  readonly number: number;
}

/** The steps in order. */
export const steps: readonly NumberedStep[] = decisionTable.map((step, index) => ({ ...step, number: index + 1 }));

/** How many steps the decision has. */
export const stepCount = steps.length;

function listed(side: Side, entries: readonly PolicyEntry[]): Taking | undefined {
  return entries.length > 0 ? { kind: 'listed', side, entries } : undefined;
}

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
export interface Decision extends Outcome {
  /** The step that decided. */
  readonly step: NumberedStep;
  /** The first entry, in config order, of the step's list that contains the address. Undefined for other steps. */
  readonly entry: PolicyEntry | undefined;
  /** Undefined where the source address and port are kept. */
  readonly ports: PortChoice | undefined;
  /** The entry of `outputAddresses` that names the address; undefined where none does. */
  readonly output: PolicyOutput | undefined;
  /** What the steps after this one would have decided. Undefined after the last. */
  readonly next: Decision | undefined;
}

/**
 * Decides what the agent does with a connection: the model that every backend's rules must agree with.
 * Without a host, the only destinations taken for the host's own are loopback addresses.
 */
export function decide(policy: Policy, packet: Packet, host: Host = anyHost): Decision {
  const familyPolicy = policy[packet.destination.family];
  const output = outputFor(familyPolicy, packet);
  const decideFrom = (index: number): Decision | undefined => {
    for (const step of steps.slice(index)) {
      const taking = step.takes(familyPolicy);
      const match = taking && matchOf(taking, packet, host);
      if (!match) continue;
      return {
        ...outcomeOf(step, output),
        step,
        output: step.verdict === 'masquerade' ? output : undefined,
        entry: match === true ? undefined : match,
        ports: step.verdict === 'masquerade' ? portChoice(policy, packet) : undefined,
        next: decideFrom(step.number),
      };
    }
    return undefined;
  };
  const decision = decideFrom(0);
  if (!decision) throw new AgentError('INTERNAL', 'no step of the decision took a connection');
  return decision;
}

/** Whether a step takes a packet: the entry that says so, where one does. */
function matchOf(taking: Taking, { source, destination }: Packet, host: Host): PolicyEntry | boolean | undefined {
  if (taking.kind === 'all') return true;
  if (taking.kind === 'to-host') return host.isLocal(destination);
  const address = taking.side === 'source' ? source : destination;
  // The first in config order, as the first iptables rule that it would hit.
  const entry = taking.entries.find(({ cidr }) => containsAddress(cidr, address));
  return taking.kind === 'listed' ? entry : !entry;
}

/** The first output whose lists have both addresses; verdicts are decided before, and not changed by it. */
function outputFor({ outputs }: FamilyPolicy, { source, destination }: Packet): PolicyOutput | undefined {
  const holds = (list: readonly PolicyEntry[], address: Packet['source']): boolean =>
    list.length === 0 || list.some(({ cidr }) => containsAddress(cidr, address));
  return outputs.find(({ sources, destinations }) => holds(sources, source) && holds(destinations, destination));
}

function portChoice({ toPorts, randomFully }: Policy, { protocol }: Packet): PortChoice {
  if (protocol !== undefined && !protocolsWithPorts.includes(protocol)) return { ranges: [], randomFully };
  const shares = portRangeShares(toPorts);
  const total = shares[0]?.remaining ?? 0;
  return { ranges: shares.map(({ range, size }) => ({ range, chance: size / total })), randomFully };
}
