import type { Config } from '../config/config.ts';
import { describeSource, type Source } from '../config/source.ts';
import { formatAddress } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import { formatPortRange } from '../net/port-range.ts';
import { type Decision, decide, linkLocal, type PortChoice, type StepId, stepCount, type Verdict } from './decide.ts';
import type { Host } from './host.ts';
import type { Packet } from './packet.ts';
import { listKeys, type Policy } from './policy.ts';

/** Where the settings that are no lists were made: a policy holds their values only. */
export type Settings = Pick<Config, 'masqLinkLocal' | 'masqLinkLocalIPv6' | 'masqOutBound' | 'masqOutBoundIPv6'>;

/** One verdict and what made it. */
export interface VerdictReason {
  readonly verdict: Verdict;
  /** Number and name of the step of the decision, see `decide`. */
  readonly step: number;
  readonly id: StepId;
  /** A sentence for people. */
  readonly reason: string;
  /** The network that matched; null where the step has none. */
  readonly entry: string | null;
  /** Where the entry or setting that decided was made: `file:line`, `--flag` or `default`. */
  readonly source: string;
}

/** What happens to one connection and why: plain data, and as such the JSON of `explain --output json`. */
export interface Explanation extends VerdictReason {
  readonly src: string;
  readonly dst: string;
  readonly family: Family;
  /** Null: any protocol. */
  readonly protocol: string | null;
  /** What would have happened had the deciding step not matched. Null where the last step decided. */
  readonly next: VerdictReason | null;
  /**
   * The port ranges of a masqueraded connection, with the chance of each; empty where the kernel chooses, null where
   * the source is kept. Without a protocol: what tcp, udp and sctp get.
   */
  readonly ports: readonly { readonly range: string; readonly probability: number }[] | null;
  /** Whether the source port of a masqueraded connection is chosen at random; null where the source is kept. */
  readonly randomFully: boolean | null;
  /** Which destinations count as the host's own: those of this machine's interfaces, or loopback addresses only. */
  readonly localAddresses: 'this-machine' | 'loopback-only';
}

/** What an explanation is made from. Without a host, the answer holds for any node. */
export interface ExplanationContext {
  readonly policy: Policy;
  readonly settings: Settings;
  readonly host?: Host | undefined;
}

/** Explains what the agent does with one connection, the same for every backend. */
export function explainConnection({ policy, settings, host }: ExplanationContext, packet: Packet): Explanation {
  const decision = decide(policy, packet, host);
  const reasonFor = (of: Decision): VerdictReason => verdictReason(of, policy, settings, packet.destination.family);
  return {
    src: formatAddress(packet.source.family, packet.source.value),
    dst: formatAddress(packet.destination.family, packet.destination.value),
    protocol: packet.protocol ?? null,
    family: packet.destination.family,
    ...reasonFor(decision),
    next: decision.next ? reasonFor(decision.next) : null,
    ports: decision.ports ? portsOf(decision.ports) : null,
    randomFully: decision.ports?.randomFully ?? null,
    localAddresses: host ? 'this-machine' : 'loopback-only',
  };
}

function portsOf({ ranges }: PortChoice): Explanation['ports'] {
  return ranges.map(({ range, chance }) => ({ range: formatPortRange(range), probability: chance }));
}

interface Cause {
  readonly reason: string;
  readonly entry?: string | undefined;
  readonly source?: Source | undefined;
}

function verdictReason(decision: Decision, policy: Policy, settings: Settings, family: Family): VerdictReason {
  const { verdict, step, id } = decision;
  const { reason, entry, source } = causeOf(decision, policy, settings, family);
  return { verdict, step, id, reason, entry: entry ?? null, source: describeSource(source ?? 'default') };
}

function causeOf({ id, entry }: Decision, policy: Policy, settings: Settings, family: Family): Cause {
  const matched = { entry: entry?.cidr.text, source: entry?.source };
  switch (id) {
    case 'local-destination':
      return { reason: 'the destination is an address of the host itself' };
    case 'ipv6-off':
      return { reason: 'IPv6 is left alone without --enable-ipv6', source: { flag: 'enable-ipv6' } };
    case 'link-local': {
      const key = family === 'ipv4' ? 'masqLinkLocal' : 'masqLinkLocalIPv6';
      const reason = `the destination is link-local and ${key} is false`;
      return { reason, entry: linkLocal[family].text, source: settings[key].source };
    }
    case 'source-not-listed': {
      const reason = `${listKeys.masqueradeSources} has ${familyNames[family]} entries, and the source is in none of them`;
      return { reason, source: policy[family].masqueradeSources[0]?.source };
    }
    case 'force-masquerade':
      return { reason: `the destination is in ${listKeys.forceMasquerade}`, ...matched };
    case 'outbound-off': {
      const key = family === 'ipv4' ? 'masqOutBound' : 'masqOutBoundIPv6';
      const reason = `${key} is false: only ${listKeys.forceMasquerade} is masqueraded`;
      return { reason, source: settings[key].source };
    }
    case 'keep-source':
      return { reason: `the source is in ${listKeys.keepSources}`, ...matched };
    case 'keep-destination':
      return { reason: `the destination is in ${listKeys.keepDestinations}`, ...matched };
    case 'outbound':
      return { reason: 'nothing says to keep the source' };
  }
}

const familyNames: Readonly<Record<Family, string>> = { ipv4: 'IPv4', ipv6: 'IPv6' };

/** The explanation as text for people, one fact per line, ended by a newline. */
export function formatExplanation(explanation: Explanation): string {
  const { src, dst, protocol, verdict, next, ports, localAddresses } = explanation;
  const lines = [
    `${verdict}: ${src} -> ${dst}${protocol === null ? '' : ` ${protocol}`}`,
    `  why    ${describeReason(explanation)}`,
    ...(next ? [`  else   ${next.verdict}: ${describeReason(next)}`] : []),
    ...(ports
      ? [`  ports  ${describePorts(explanation)}`]
      : ['  means  this agent leaves the connection alone; other NAT rules of the host still see it']),
    localAddresses === 'this-machine'
      ? '  note   Step 1 was judged by the addresses of this machine.'
      : '  note   The addresses of the node are not known here: destinations that are its own are kept (step 1).',
  ];
  return `${lines.join('\n')}\n`;
}

function describeReason({ reason, step, entry, source }: VerdictReason): string {
  const where = [entry, source].filter((part) => part !== null).join(', ');
  return `${reason} (step ${step} of ${stepCount}; ${where})`;
}

function describePorts({ ports, randomFully, protocol }: Explanation): string {
  const how = randomFully ? 'chosen at random' : 'the original where it is free';
  if (!ports || ports.length === 0) return `any, ${how}`;
  const ranges = ports.map(({ range, probability }) => `${range} (${(100 * probability).toFixed(1)} %)`).join(' or ');
  return `${ranges}, ${how}${protocol === null ? '; for tcp, udp and sctp only' : ''}`;
}
