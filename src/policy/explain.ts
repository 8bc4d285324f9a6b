import { describeSource } from '../config/source.ts';
import { formatAddress } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import { formatPortRange } from '../net/port-range.ts';
import {
  type Decision,
  decide,
  type Outcome,
  type PortChoice,
  type Settings,
  type StepId,
  stepCount,
} from './decide.ts';
import type { Host } from './host.ts';
import type { Packet } from './packet.ts';
import type { FamilyPolicy, Policy } from './policy.ts';

/** One verdict and what made it. */
export interface VerdictReason extends Outcome {
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
  /** Names in the config whose addresses are not known here: the verdict may be another one because of them. */
  readonly unknownNames: readonly string[];
}

/** What an explanation is made from. Without a host, the answer holds for any node. */
export interface ExplanationContext {
  readonly policy: Policy;
  readonly settings: Settings;
  readonly host?: Host | undefined;
  readonly unknownNames?: readonly string[];
}

/** Explains what the agent does with one connection, the same for every backend. */
export function explainConnection(
  { policy, settings, host, unknownNames = [] }: ExplanationContext,
  packet: Packet,
): Explanation {
  const decision = decide(policy, packet, host);
  const reasonFor = (of: Decision): VerdictReason => reasonOf(of, policy[packet.destination.family], settings);
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
    unknownNames,
  };
}

function portsOf({ ranges }: PortChoice): Explanation['ports'] {
  return ranges.map(({ range, chance }) => ({ range: formatPortRange(range), probability: chance }));
}

/** What a step says of its verdict; `entry` is the one that decided, where one did. */
export function reasonOf(
  { step, entry, output, verdict, address }: Outcome & Pick<Decision, 'step' | 'entry' | 'output'>,
  policy: FamilyPolicy,
  settings: Settings,
): VerdictReason {
  const source = step.source?.(settings, policy) ?? entry?.source ?? 'default';
  return {
    verdict,
    address,
    step: step.number,
    id: step.id,
    reason: [
      step.reason(policy.family),
      ...(entry?.name === undefined ? [] : [`as an address of ${entry.name}`]),
      ...(output && address ? [`${address} by outputAddresses (${describeSource(output.source)})`] : []),
    ].join('; '),
    entry: entry?.cidr.text ?? null,
    source: describeSource(source),
  };
}

/** The explanation as text for people, one fact per line, ended by a newline. */
export function formatExplanation(explanation: Explanation): string {
  const { src, dst, protocol, verdict, address, next, ports, localAddresses, unknownNames } = explanation;
  const lines = [
    `${verdict}${address === null ? '' : ` as ${address}`}: ${src} -> ${dst}${protocol === null ? '' : ` ${protocol}`}`,
    `  why    ${describeReason(explanation)}`,
    ...(next ? [`  else   ${next.verdict}: ${describeReason(next)}`] : []),
    ...(ports
      ? [`  ports  ${describePorts(explanation)}`]
      : ['  means  this agent leaves the connection alone; other NAT rules of the host still see it']),
    localAddresses === 'this-machine'
      ? '  note   Step 1 was judged by the addresses of this machine.'
      : '  note   The addresses of the node are not known here: destinations that are its own are kept (step 1).',
    ...(unknownNames.length > 0 ? [`  note   ${noteOfNames(unknownNames)}`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** More than this make a line that nobody reads. */
const shownNames = 5;

function noteOfNames(names: readonly string[]): string {
  const more = names.length - shownNames;
  const shown = [...names.slice(0, shownNames), ...(more > 0 ? [`${more} more`] : [])].join(', ');
  return `Not known here: what these names stand for, since no running agent says: ${shown}.`;
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
