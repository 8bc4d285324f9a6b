import { type Config, outputText, type Sourced } from '../config/config.ts';
import type { OutputAddress } from '../config/output-addresses.ts';
import type { Cidr } from '../net/cidr.ts';
import type { Family } from '../net/family.ts';
import type { NodeAddress } from '../net/node-address.ts';
import type { PortRange } from '../net/port-range.ts';
import { chooseAddress } from './node-address.ts';
import type { FamilyPolicy, Policy, PolicyEntry, PolicyOutput } from './policy.ts';

/** What the command line adds to the config. */
export interface PolicyOptions {
  readonly enableIPv6: boolean;
  readonly randomFully: boolean;
  readonly toPorts: readonly PortRange[];
}

/**
 * The policy that a config and the flags ask for on a node with these addresses; undefined where the node is not known,
 * as when rules are rendered for any.
 */
export function buildPolicy(config: Config, options: PolicyOptions, nodeAddresses?: readonly NodeAddress[]): Policy {
  const chosen = config.outputAddresses.map((output) => ({ output, choice: chooseAddress(output, nodeAddresses) }));
  const outputs = chosen.flatMap(({ output, choice }) => ('value' in choice ? [outputOf(output, choice.value)] : []));
  return {
    ipv4: familyPolicy(config, 'ipv4', true, outputs),
    ipv6: familyPolicy(config, 'ipv6', options.enableIPv6, outputs),
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
  family: Family,
  enabled: boolean,
  outputs: readonly PolicyOutput[],
): FamilyPolicy {
  return {
    family,
    enabled,
    masqueradeLinkLocal: (family === 'ipv4' ? config.masqLinkLocal : config.masqLinkLocalIPv6).value,
    masqueradeSources: entriesOf(config.masqueradeSrcCIDRs, family),
    forceMasquerade: entriesOf(config.forceMasqueradeCIDRs, family),
    masqueradeOutbound: (family === 'ipv4' ? config.masqOutBound : config.masqOutBoundIPv6).value,
    keepSources: entriesOf(config.nonMasqueradeSrcCIDRs, family),
    keepDestinations: entriesOf(config.nonMasqueradeCIDRs, family),
    outputs: outputs.filter(({ address }) => address.family === family),
  };
}

/** The list's CIDRs of one family, each once: the first place that names a CIDR is its provenance. */
function entriesOf(list: readonly Sourced<Cidr>[], family: Family): PolicyEntry[] {
  const entries = new Map<string, PolicyEntry>();
  for (const { value: cidr, source } of list) {
    if (cidr.family === family && !entries.has(cidr.text)) entries.set(cidr.text, { cidr, source });
  }
  return [...entries.values()];
}
