import { parseCidr } from '../../net/cidr.ts';
import type { Family } from '../../net/family.ts';
import type { DestinationList, HeldDestinations } from '../held-destinations.ts';
import { comments } from './names.ts';
import { parseRule } from './rule-text.ts';

const commentOf: Readonly<Record<DestinationList, string>> = {
  forceMasquerade: comments.forceMasquerade,
  keepDestinations: comments.keepDestination,
};

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
