import { type Config, type Destination, outputText, type Sourced } from '../config/config.ts';
import type { OutputAddress } from '../config/output-addresses.ts';
import { type Cidr, cidrOf } from '../net/cidr.ts';
import { type DnsName, isName } from '../net/dns-name.ts';
import { addressBits, type Family } from '../net/family.ts';
import type { PortRange } from '../net/port-range.ts';
import { chooseAddress } from './node-address.ts';
import type { Answers, NodeFacts } from './node-facts.ts';
import type { FamilyPolicy, Policy, PolicyEntry, PolicyOutput } from './policy.ts';

/** What the command line adds to the config. */
export interface PolicyOptions {
  readonly enableIPv6: boolean;
  readonly randomFully: boolean;
  readonly toPorts: readonly PortRange[];
}

/**
 * The policy that a config and the flags ask for, given what is known of the node and of DNS: nothing, where rules are
 * rendered for any node. A name stands for the addresses that it has, one network each.
 */
export function buildPolicy(config: Config, options: PolicyOptions, facts: NodeFacts = {}): Policy {
  const { addresses, answers } = facts;
  const chosen = config.outputAddresses.map((output) => ({ output, choice: chooseAddress(output, addresses) }));
  const outputs = chosen.flatMap(({ output, choice }) => ('value' in choice ? [outputOf(output, choice.value)] : []));
  return {
    ipv4: familyPolicy(config, answers, 'ipv4', true, outputs),
    ipv6: familyPolicy(config, answers, 'ipv6', options.enableIPv6, outputs),
    idleOutputs: chosen.flatMap(({ output, choice }) =>
      'idle' in choice ? [{ text: outputText(output), reason: choice.idle, source: output.source }] : [],
    ),
    randomFully: options.randomFully,
    toPorts: options.toPorts,
  };
}

function outputOf({ cidr: { family }, destinations, sources, source }: OutputAddress, value: bigint): PolicyOutput {
  return {
    address: { family, value },
    destinations: entriesOf(destinations, family),
    sources: entriesOf(sources, family),
    source,
  };
}

function familyPolicy(
  config: Config,
  answers: Answers | undefined,
  family: Family,
  enabled: boolean,
  outputs: readonly PolicyOutput[],
): FamilyPolicy {
  return {
    family,
    enabled,
    masqueradeLinkLocal: (family === 'ipv4' ? config.masqLinkLocal : config.masqLinkLocalIPv6).value,
    masqueradeSources: entriesOf(config.masqueradeSrcCIDRs, family),
    forceMasquerade: entriesOf(config.forceMasqueradeCIDRs, family, answers),
    masqueradeOutbound: (family === 'ipv4' ? config.masqOutBound : config.masqOutBoundIPv6).value,
    keepSources: entriesOf(config.nonMasqueradeSrcCIDRs, family),
    keepDestinations: entriesOf(config.nonMasqueradeCIDRs, family, answers),
    outputs: outputs.filter(({ address }) => address.family === family),
  };
}

/** The list's networks of one family, each once: the first place that names one is its provenance. */
function entriesOf(list: readonly Sourced<Destination>[], family: Family, answers?: Answers): PolicyEntry[] {
  const entries = new Map<string, PolicyEntry>();
  for (const { value, source } of list) {
    if (!isName(value)) {
      if (value.family === family && !entries.has(value.text)) entries.set(value.text, { cidr: value, source });
      continue;
    }
    for (const cidr of addressesOf(value, family, answers)) {
      if (!entries.has(cidr.text)) entries.set(cidr.text, { cidr, source, name: value.text });
    }
  }
  return [...entries.values()];
}

/** The addresses of a family that a name stands for, as one network each. */
function addressesOf({ text }: DnsName, family: Family, answers: Answers | undefined): readonly Cidr[] {
  return (answers?.get(text) ?? [])
    .filter((address) => address.family === family)
    .map(({ value }) => cidrOf({ network: value, prefix: addressBits[family] }, family));
}
