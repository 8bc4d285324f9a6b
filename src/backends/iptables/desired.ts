import { type Cidr, formatAddress } from '../../net/cidr.ts';
import { formatPortRange, portRangeShares } from '../../net/port-range.ts';
import { linkLocal } from '../../policy/decide.ts';
import { protocolsWithPorts } from '../../policy/packet.ts';
import type { FamilyPolicy, Policy, PolicyOutput } from '../../policy/policy.ts';
import { comments, helperChains, postrouting } from './names.ts';

/** A chain of the nat table and its rules, spelt as `iptables -S` lists them. */
export interface Chain {
  readonly name: string;
  readonly rules: readonly string[];
}

/** What the nat table of one family holds of ours: a jump in POSTROUTING and the chains behind it, the main one first. */
export interface DesiredChains {
  readonly jump: string;
  readonly chains: readonly Chain[];
  /** Helper chains that this policy has no use for. */
  readonly unusedChains: readonly string[];
}

/** The options that both families share. */
type MasqueradeOptions = Pick<Policy, 'randomFully' | 'toPorts'>;

/**
 * The ruleset of an enabled family. For what upstream can be told, chain, rules and comments are those of upstream's
 * syncMasqRules, in the order of the config. Its own lists come as further rules; a family that uses
 * `masqueradeSources` has everything but the link-local rule in a second chain, since iptables can't say "source
 * outside of these networks" in one rule.
 */
export function desiredChains(policy: FamilyPolicy, options: MasqueradeOptions, chain: string): DesiredChains {
  const helpers = helperChains(chain);
  const limited = policy.masqueradeSources.length > 0;
  const decision = decisionRules(policy, options, limited ? helpers.sources : chain, helpers.masquerade);
  const chains = [
    { name: chain, rules: [...linkLocalRules(policy, chain), ...(limited ? sourceRules(policy, chain) : decision)] },
    ...(limited ? [{ name: helpers.sources, rules: decision }] : []),
    ...(policy.forceMasquerade.length > 0
      ? [{ name: helpers.masquerade, rules: masqueradeRules(policy, options, helpers.masquerade) }]
      : []),
  ];
  const used = new Set(chains.map(({ name }) => name));
  return {
    jump: jumpRule(chain),
    chains,
    unusedChains: Object.values(helpers).filter((name) => !used.has(name)),
  };
}

/** Upstream's jump: everything that leaves the host, whatever the chain then says. */
export function jumpRule(chain: string): string {
  return rule(postrouting, [comment(comments.jump(chain)), '-m addrtype ! --dst-type LOCAL', `-j ${chain}`]);
}

/** The jump as upstream v2.10.0 to v2.12.0 and Azure's agent made it, with quotes inside the comment. */
export function quotedJumpRule(chain: string): string {
  const quoted = `-m comment --comment "\\"${comments.jump(chain)}\\""`;
  return rule(postrouting, [quoted, '-m addrtype ! --dst-type LOCAL', `-j ${chain}`]);
}

function linkLocalRules({ family, masqueradeLinkLocal }: FamilyPolicy, chain: string): string[] {
  if (masqueradeLinkLocal) return [];
  return [rule(chain, [address('-d', linkLocal[family]), comment(comments.keepDestination), '-j RETURN'])];
}

/** Sends the listed sources on; others reach the end of the chain and are kept. A goto, so that its end is ours too. */
function sourceRules({ masqueradeSources }: FamilyPolicy, chain: string): string[] {
  const { sources } = helperChains(chain);
  return masqueradeSources.map(({ cidr }) =>
    rule(chain, [address('-s', cidr), comment(comments.masqueradeSource), `-g ${sources}`]),
  );
}

/** The decision from forceMasqueradeCIDRs on, in its order. */
function decisionRules(policy: FamilyPolicy, options: MasqueradeOptions, chain: string, masquerade: string): string[] {
  const forced = policy.forceMasquerade.map(({ cidr }) =>
    rule(chain, [address('-d', cidr), comment(comments.forceMasquerade), `-g ${masquerade}`]),
  );
  if (!policy.masqueradeOutbound) return [...forced, rule(chain, [comment(comments.outboundOff), '-j RETURN'])];
  return [
    ...forced,
    ...policy.keepSources.map(({ cidr }) =>
      rule(chain, [address('-s', cidr), comment(comments.keepSource), '-j RETURN']),
    ),
    ...policy.keepDestinations.map(({ cidr }) =>
      rule(chain, [address('-d', cidr), comment(comments.keepDestination), '-j RETURN']),
    ),
    ...masqueradeRules(policy, options, chain),
  ];
}

/** The rules of each output, in their order, then those for what gets the address of its interface. */
function masqueradeRules({ outputs }: FamilyPolicy, options: MasqueradeOptions, chain: string): string[] {
  const ofOutputs = outputs.flatMap((output) =>
    matchesOf(output).flatMap((match) => rulesTo(snatTo(output), match, options, chain)),
  );
  return [...ofOutputs, ...rulesTo(masquerading, [], options, chain)];
}

/** A target that translates sources: as it is, and with a range of ports. */
interface NatTarget {
  readonly comment: string;
  readonly plain: string;
  readonly withPorts: (range: string) => string;
}

const masquerading: NatTarget = {
  comment: comments.masquerade,
  plain: '-j MASQUERADE',
  withPorts: (range) => `-j MASQUERADE --to-ports ${range}`,
};

function snatTo({ address: { family, value } }: PolicyOutput): NatTarget {
  const text = formatAddress(family, value);
  const beforePorts = family === 'ipv4' ? text : `[${text}]`;
  return {
    comment: comments.output,
    plain: `-j SNAT --to-source ${text}`,
    withPorts: (range) => `-j SNAT --to-source ${beforePorts}:${range}`,
  };
}

/** A rule can match one network on either side, so two lists make a rule for each pair. */
function matchesOf({ sources, destinations }: PolicyOutput): string[][] {
  const bySource = sources.length > 0 ? sources.map(({ cidr }) => address('-s', cidr)) : [''];
  const byDestination = destinations.length > 0 ? destinations.map(({ cidr }) => address('-d', cidr)) : [''];
  return bySource.flatMap((source) => byDestination.map((destination) => [source, destination]));
}

/** Upstream's writeMasqRules: a rule per protocol and range, chosen in proportion to their sizes, then one for the rest. */
function rulesTo(
  target: NatTarget,
  match: readonly string[],
  { randomFully, toPorts }: MasqueradeOptions,
  chain: string,
): string[] {
  const random = randomFully ? ['--random-fully'] : [];
  const ranged = protocolsWithPorts.flatMap((protocol) =>
    portRangeShares(toPorts).map(({ range, size, remaining }) =>
      rule(chain, [
        ...match,
        `-p ${protocol}`,
        comment(target.comment),
        ...(size < remaining ? [`-m statistic --mode random --probability ${probability(size / remaining)}`] : []),
        target.withPorts(formatPortRange(range)),
        ...random,
      ]),
    ),
  );
  return [...ranged, rule(chain, [...match, comment(target.comment), target.plain, ...random])];
}

/** As the kernel keeps a probability, in steps of 2^-31, and as iptables prints it. */
function probability(share: number): string {
  const steps = 2 ** 31;
  return (Math.round(share * steps) / steps).toFixed(11);
}

/** A network as a match; every address is no match at all, as iptables lists it. */
function address(option: '-s' | '-d', { prefix, text }: Cidr): string {
  return prefix === 0 ? '' : `${option} ${text}`;
}

function comment(text: string): string {
  return `-m comment --comment "${text}"`;
}

function rule(chain: string, parts: readonly string[]): string {
  return [`-A ${chain}`, ...parts].filter((part) => part !== '').join(' ');
}
