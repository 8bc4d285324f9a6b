import { type Config, type Destination, outputText, type Sourced } from '../config/config.ts';
import type { OutputAddress } from '../config/output-addresses.ts';
import { cidrOf } from '../net/cidr.ts';
import { isName } from '../net/dns-name.ts';
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
  const add = (entry: PolicyEntry): void => {
    if (entry.cidr.family === family && !entries.has(entry.cidr.text)) entries.set(entry.cidr.text, entry);
  };
  for (const { value, source } of list) {
    if (isName(value)) {
      for (const address of answers?.get(value.text) ?? []) {
        const cidr = cidrOf({ network: address.value, prefix: addressBits[address.family] }, address.family);
        add({ cidr, source, name: value.text });
      }
    } else {
      add({ cidr: value, source });
    }
  }
  return [...entries.values()];
}
