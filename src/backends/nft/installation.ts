import type { Policy } from '../../policy/policy.ts';
import { type Listing, parseListing } from './listing.ts';
import { baseChain } from './names.ts';
import { renderFill, renderSwitch, renderTable, renderTerseTable } from './render.ts';
import { buildRuleset, type Ruleset } from './ruleset.ts';
import { namesInUse, renderBaseChainRemoval, renderStaleRemoval, renderSweep } from './table-state.ts';

/** A table as it was found. A terse listing has no elements: a set of the right name and type is taken for right. */
export interface Finding {
  readonly listing: Listing;
  readonly isTerse: boolean;
}

/** One way from what the table holds to a policy: three scripts for nft, one after the other; an empty one is left out. */
export interface Installation {
  /** Fills what the policy needs and the table lacks, where no live rule refers to it. */
  readonly fill: string;
  /** Makes the policy the live one, rules only. */
  readonly switchOver: string;
  /** Removes what is no longer referred to. */
  readonly sweep: string;
  /** Whether the table then holds what it should under the usual names; else another installation is to follow. */
  readonly isFinal: boolean;
}

/** What the table should hold for a ruleset. */
export function expectedListing(ruleset: Ruleset, isTerse: boolean): Listing {
  return parseListing(isTerse ? renderTerseTable(ruleset) : renderTable(ruleset));
}

/**
 * Plans the installation of a policy, whose ruleset under the usual names is `usual`. What is whole is used as it is,
 * above all long sets. What is damaged and in use can't be mended in place without a moment of neither old nor new:
 * another of the same content is filled under a spare name. Pure.
 */
export function planInstallation(policy: Policy, usual: Ruleset, finding: Finding): Installation {
  const { listing, isTerse } = finding;
  const wanted = expectedListing(usual, isTerse);
  const isWhole = (key: string): boolean => wanted.get(key) === listing.get(key);
  const wholeSets = new Set(namesOf(usual.sets).filter((name) => isWhole(`set ${name}`)));
  if (wholeSets.size < usual.sets.length || !namesOf(usual.chains).every((name) => isWhole(`chain ${name}`))) {
    const usualNames = new Set([...namesOf(usual.sets), ...namesOf(usual.chains)]);
    const inUse = namesInUse(listing, usualNames);
    const ruleset = buildRuleset(policy, (name) => inUse.has(name) && !wholeSets.has(name));
    const lacking = { sets: ruleset.sets.filter(({ name }) => !wholeSets.has(name)), chains: ruleset.chains };
    return {
      fill: renderStaleRemoval(listing, lacking) + renderFill(lacking),
      switchOver: renderBaseChainRemoval(listing) + renderSwitch(ruleset),
      sweep: renderSweep(listing, ruleset),
      isFinal: [...ruleset.sets, ...ruleset.chains].every(({ name }) => usualNames.has(name)),
    };
  }
  const isSwitched = isWhole(`chain ${baseChain}`) && !listing.has('table');
  const hasCounters = [...wanted.keys()].every((key) => !key.startsWith('counter ') || listing.has(key));
  return {
    fill: hasCounters ? '' : renderFill({ sets: [], chains: [] }),
    switchOver: isSwitched ? '' : renderBaseChainRemoval(listing) + renderSwitch(usual),
    sweep: renderSweep(listing, usual),
    isFinal: true,
  };
}

function namesOf(objects: readonly { readonly name: string }[]): string[] {
  return objects.map(({ name }) => name);
}
