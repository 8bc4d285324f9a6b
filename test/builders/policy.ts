import { parseAddress, parseCidr } from '../../src/net/cidr.ts';
import type { Family } from '../../src/net/family.ts';
import {
  type FamilyPolicy,
  type ListName,
  listNames,
  type Policy,
  type PolicyEntry,
  type PolicyOutput,
} from '../../src/policy/policy.ts';

/** The lists as text, in short; whatever is left out is as in an empty config. */
type FamilySettings = Partial<Record<ListName, readonly string[]>> &
  Partial<Pick<FamilyPolicy, 'enabled' | 'masqueradeLinkLocal' | 'masqueradeOutbound'>> & {
    readonly outputs?: readonly OutputSettings[];
  };

/** An entry of `outputAddresses` as text, in short. */
export interface OutputSettings {
  readonly address: string;
  readonly destinations?: readonly string[];
  readonly sources?: readonly string[];
}

interface PolicySettings extends Partial<Pick<Policy, 'randomFully' | 'toPorts'>> {
  readonly ipv4?: FamilySettings;
  /** Turns IPv6 on. */
  readonly ipv6?: FamilySettings;
}

/** A policy for a test, in few words. */
export function policyWith({ ipv4 = {}, ipv6, randomFully = true, toPorts = [] }: PolicySettings): Policy {
  return {
    ipv4: familyPolicyWith('ipv4', ipv4),
    ipv6: familyPolicyWith('ipv6', { enabled: ipv6 !== undefined, ...ipv6 }),
    randomFully,
    toPorts,
    idleOutputs: [],
  };
}

function familyPolicyWith(family: Family, settings: FamilySettings): FamilyPolicy {
  const lists = Object.fromEntries(listNames.map((list) => [list, (settings[list] ?? []).map(entryOf)]));
  return {
    family,
    enabled: settings.enabled ?? true,
    masqueradeLinkLocal: settings.masqueradeLinkLocal ?? false,
    masqueradeOutbound: settings.masqueradeOutbound ?? true,
    masqueradeSources: lists['masqueradeSources'] ?? [],
    forceMasquerade: lists['forceMasquerade'] ?? [],
    keepSources: lists['keepSources'] ?? [],
    keepDestinations: lists['keepDestinations'] ?? [],
    outputs: (settings.outputs ?? []).map(outputOf),
  };
}

function entryOf(text: string, index: number): PolicyEntry {
  const cidr = parseCidr(text);
  if (!cidr) throw new Error(`not a CIDR: ${text}`);
  return { cidr, source: { file: 'config', line: index + 1, column: 1 } };
}

function outputOf({ address, destinations = [], sources = [] }: OutputSettings, index: number): PolicyOutput {
  const parsed = parseAddress(address);
  if (!parsed) throw new Error(`not an address: ${address}`);
  return {
    address: parsed,
    destinations: destinations.map(entryOf),
    sources: sources.map(entryOf),
    source: { file: 'config', line: 100 + index, column: 1 },
  };
}
