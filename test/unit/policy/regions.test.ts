import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { families } from '../../../src/net/family.ts';
import { hasAddress, type IpSet } from '../../../src/net/ip-set.ts';
import type { PolicyEntry } from '../../../src/policy/policy.ts';
import { decidingRanges, partedBy, type Region, regionsOf } from '../../../src/policy/regions.ts';
import { everyVerdict, gridOf } from '../../generators/every-verdict.ts';
import { plainFamily, plainPolicy, toPolicy } from '../../generators/plain-policy.ts';
import { policies } from '../../generators/policies.ts';

/** A region parted by the entries that decide. */
function parted({ sources, destinations, list, step }: Region) {
  const ranges = list && decidingRanges(list.entries);
  const of = (side: 'source' | 'destination', set: IpSet) =>
    partedBy(set, list?.side === side ? ranges : undefined, undefined);
  return of('source', sources).flatMap((from) =>
    of('destination', destinations).map((to) => ({
      step: step.number,
      verdict: step.verdict,
      sources: from.set,
      destinations: to.set,
      entry: from.labels[0] ?? to.labels[0],
    })),
  );
}

function lineOf(entry: PolicyEntry | undefined): number | undefined {
  return entry && entry.source !== 'default' && 'line' in entry.source ? entry.source.line : undefined;
}

test('of any policy hold every connection once, with the verdict, the step and the entry of the decision', () => {
  fc.assert(
    fc.property(policies, (plain) => {
      const policy = toPolicy(plain);
      for (const family of families) {
        const regions = regionsOf(policy[family]).flatMap(parted);
        const grid = gridOf(family, [plain[family]]);
        const expected = everyVerdict(family, plain[family], grid);
        for (const [i, source] of grid.sources.entries()) {
          const ofSource = regions.filter(({ sources }) => hasAddress(sources, source));
          for (const [j, destination] of grid.destinations.entries()) {
            const found = ofSource
              .filter(({ destinations }) => hasAddress(destinations, destination))
              .map(({ step, verdict, entry }) => ({ step, verdict, line: lineOf(entry) }));
            expect(found).toEqual([expected[i]?.[j]]);
          }
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('are one for each step that decides anything', () => {
  const policy = toPolicy({
    ...plainPolicy,
    ipv4: { ...plainFamily, forceMasquerade: ['203.0.113.0/24'], keepDestinations: ['203.0.113.0/25', '10.0.0.0/8'] },
  });
  expect(regionsOf(policy.ipv4).map(({ step }) => step.id)).toEqual([
    'link-local',
    'force-masquerade',
    'keep-destination',
    'outbound',
  ]);
  expect(regionsOf({ ...policy.ipv6, enabled: false }).map(({ step }) => step.id)).toEqual(['ipv6-off']);
});

test('deciding ranges give each address to the first entry that holds it, and nothing to one that is never first', () => {
  const { keepDestinations } = toPolicy({
    ...plainPolicy,
    ipv4: {
      ...plainFamily,
      keepDestinations: ['10.1.0.0/16', '10.0.0.0/8', '10.2.0.0/16', '10.1.2.0/24', '11.0.0.0/8'],
    },
  }).ipv4;
  expect(
    decidingRanges(keepDestinations).map(({ first, last, entry }) => [
      first.toString(16),
      last.toString(16),
      lineOf(entry),
    ]),
  ).toEqual([
    ['a000000', 'a00ffff', 2],
    ['a010000', 'a01ffff', 1],
    ['a020000', 'affffff', 2],
    ['b000000', 'bffffff', 5],
  ]);
});
