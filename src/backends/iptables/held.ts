import { parseCidr } from '../../net/cidr.ts';
import { type Family, families } from '../../net/family.ts';
import { unlessUnsupported } from '../attempt.ts';
import type { DestinationList, HeldDestinations } from '../held-destinations.ts';
import type { IptablesBackendOptions } from './backend.ts';
import { readState } from './converge.ts';
import { eachFamily } from './families.ts';
import { comments, helperChains } from './names.ts';
import { createNatTable, readLegacyTables } from './nat-table.ts';
import { emptyState } from './render.ts';
import { parseRule } from './rule-text.ts';

const commentOf: Readonly<Record<DestinationList, string>> = {
  forceMasquerade: comments.forceMasquerade,
  keepDestinations: comments.keepDestination,
};

/** The destinations that our rules in the kernel name; none of a family that can't be read. Throws AgentError ABORTED only. */
export async function readHeldDestinations(
  options: IptablesBackendOptions,
  signal?: AbortSignal,
): Promise<readonly HeldDestinations[]> {
  const { chain } = options;
  const tables = families.map((family) => createNatTable({ readLegacyTables, ...options, family }));
  const results = await eachFamily(tables, async (table) => {
    const state = readState(table, chain, [chain, helperChains(chain).sources], signal);
    const { chains } = await unlessUnsupported(state, emptyState);
    return heldDestinations(table.family, [...chains.values()].flat());
  });
  return results.flatMap((result) => ('value' in result ? result.value : []));
}

/** The destinations that the rules of our chains name, in their order. */
export function heldDestinations(family: Family, texts: readonly string[]): readonly HeldDestinations[] {
  const rules = texts.map(parseRule);
  return (['forceMasquerade', 'keepDestinations'] as const).map((list) => {
    const cidrs = rules
      .filter(({ comment }) => comment === commentOf[list])
      .flatMap(({ options }) => options.find(({ name, negated }) => name === '-d' && !negated)?.values ?? [])
      .flatMap((value) => parseCidr(value) ?? []);
    return { family, list, cidrs, isMerged: false };
  });
}
