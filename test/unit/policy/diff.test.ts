import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressBits, type Family, families } from '../../../src/net/family.ts';
import { hasAddress, type IpSet } from '../../../src/net/ip-set.ts';
import { decide } from '../../../src/policy/decide.ts';
import { type Cause, type Change, diffPolicies } from '../../../src/policy/diff.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { type OutputSettings, policyWith } from '../../builders/policy.ts';
import { everyVerdict, type Grid, gridOf } from '../../generators/every-verdict.ts';
import type { NaiveDecision } from '../../generators/naive-decision.ts';
import { type PlainPolicyWithOutputs, policiesWithOutputs } from '../../generators/outputs.ts';
import {
  type PlainFamilyPolicy,
  type PlainPolicy,
  plainFamily,
  plainPolicy,
  toPolicy,
} from '../../generators/plain-policy.ts';
import { policies } from '../../generators/policies.ts';
import { simplerPolicies } from '../../generators/variations.ts';

/** Two policies: unlike each other, or one with a part of the other's, as after an edit. */
const pairs: fc.Arbitrary<readonly [PlainPolicy, PlainPolicy]> = fc.oneof(
  fc.tuple(policies, policies),
  fc.tuple(policies, fc.nat(), fc.boolean()).map(([policy, pick, forward]) => {
    const others = [...simplerPolicies(policy)];
    const other = others[pick % Math.max(others.length, 1)] ?? policy;
    return forward ? ([policy, other] as const) : ([other, policy] as const);
  }),
);

function described({ outcome: { verdict }, step, entry }: Cause): NaiveDecision {
  const line = entry && entry.source !== 'default' && 'line' in entry.source ? entry.source.line : undefined;
  return { verdict, step: step.number, ...(line === undefined ? {} : { line }) };
}

/** Every pair of the grid as two texts: what the changes say of it, and what it is by the naive decision. */
function compare(changes: readonly Change[], grid: Grid, before: NaiveDecision[][], after: NaiveDecision[][]) {
  const said = grid.sources.map(() => grid.destinations.map(() => 'same'));
  for (const change of changes) {
    const text = JSON.stringify([described(change.before), described(change.after)]);
    for (const i of indexesIn(grid.sources, change.sources)) {
      for (const j of indexesIn(grid.destinations, change.destinations)) {
        const row = said[i] ?? [];
        row[j] = row[j] === 'same' ? text : 'in two changes';
      }
    }
  }
  const is = grid.sources.map((_, i) =>
    grid.destinations.map((__, j) => {
      const [one, other] = [before[i]?.[j], after[i]?.[j]];
      return one?.verdict === other?.verdict ? 'same' : JSON.stringify([one, other]);
    }),
  );
  return { said, is };
}

function indexesIn(points: readonly bigint[], set: IpSet): number[] {
  return points.flatMap((point, index) => (hasAddress(set, point) ? [index] : []));
}

/** Whether a set begins and ends where a list does: then one address between two borders stands for all of them. */
function keepsToBorders(set: IpSet, points: readonly bigint[], top: bigint): boolean {
  const borders = new Set(points);
  return set.every(({ first, last }) => borders.has(first) && (last === top || borders.has(last + 1n)));
}

/** Holds the changes of one family to a search through every pair of the grid. */
function expectAgreement(family: Family, changes: readonly Change[], before: PlainPolicy, after: PlainPolicy): void {
  const ofFamily = changes.filter((change) => change.family === family);
  const grid = gridOf(family, [before[family], after[family]]);
  const [one, other] = [before, after].map((plain) => everyVerdict(family, plain[family], grid));
  const { said, is } = compare(ofFamily, grid, one ?? [], other ?? []);
  expect(said).toEqual(is);
  const top = (1n << BigInt(addressBits[family])) - 1n;
  for (const { sources, destinations } of ofFamily) {
    expect(keepsToBorders(sources, grid.sources, top)).toBe(true);
    expect(keepsToBorders(destinations, grid.destinations, top)).toBe(true);
  }
}

/** The lists of a policy and those of its outputs, each as if it were a policy: for the borders that they have. */
function listsOf({ outputs, ...plain }: PlainPolicyWithOutputs['ipv4']): PlainFamilyPolicy[] {
  const borders = ({ sources = [], destinations = [] }: OutputSettings) => ({
    ...plainFamily,
    keepSources: sources,
    keepDestinations: destinations,
  });
  return [plain, ...outputs.map(borders)];
}

function expectAddresses(
  family: Family,
  changes: readonly Change[],
  [before, after]: readonly [Policy, Policy],
  { sources, destinations }: Grid,
): void {
  const noHost = { isLocal: () => false };
  for (const source of sources) {
    const ofSource = changes.filter((change) => hasAddress(change.sources, source));
    for (const destination of destinations) {
      const packet = {
        source: { family, value: source },
        destination: { family, value: destination },
        protocol: undefined,
      };
      const found = ofSource.filter((change) => hasAddress(change.destinations, destination));
      const said = found.map((change) => [change.before.outcome, change.after.outcome]);
      const is = [before, after]
        .map((policy) => decide(policy, packet, noHost))
        .map(({ verdict, address }) => ({ verdict, address }));
      expect(said).toEqual(JSON.stringify(is[0]) === JSON.stringify(is[1]) ? [] : [is]);
    }
  }
}

describe('what two policies judge otherwise', () => {
  test('is what a brute-force search finds, for 10,000 pairs of policies', { timeout: 300_000 }, () => {
    fc.assert(
      fc.property(pairs, ([before, after]) => {
        const changes = diffPolicies(toPolicy(before), toPolicy(after));
        for (const family of families) expectAgreement(family, changes, before, after);
        for (const [index, { share }] of changes.slice(1).entries()) {
          expect(share).toBeLessThanOrEqual(changes[index]?.share ?? 0);
        }
      }),
      { numRuns: 10_000 },
    );
  });

  test('has the addresses that connections get in it, for every pair of the grid', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(policiesWithOutputs, policiesWithOutputs, fc.boolean(), (before, other, isEdit) => {
        // Another config, or the same one with other addresses.
        const after = isEdit
          ? {
              ...before,
              ipv4: { ...before.ipv4, outputs: other.ipv4.outputs },
              ipv6: { ...before.ipv6, outputs: other.ipv6.outputs },
            }
          : other;
        const policies = [policyWith(before), policyWith(after)] as const;
        const changes = diffPolicies(...policies);
        for (const family of families) {
          const ofFamily = changes.filter((change) => change.family === family);
          expectAddresses(
            family,
            ofFamily,
            policies,
            gridOf(
              family,
              [before, after].flatMap((plain) => listsOf(plain[family])),
            ),
          );
        }
      }),
      { numRuns: 150 },
    );
  });

  test('is nothing where the same is written in another way', () => {
    const same = (one: Partial<typeof plainFamily>, other: Partial<typeof plainFamily>) =>
      diffPolicies(
        toPolicy({ ...plainPolicy, ipv4: { ...plainFamily, ...one } }),
        toPolicy({ ...plainPolicy, ipv4: { ...plainFamily, ...other } }),
      );
    expect(
      same({ keepDestinations: ['10.0.0.0/8'] }, { keepDestinations: ['10.128.0.0/9', '10.1.0.0/16', '10.0.0.0/9'] }),
    ).toEqual([]);
    expect(same({ masqueradeOutbound: false }, { keepDestinations: ['0.0.0.0/1', '128.0.0.0/1'] })).toEqual([]);
    expect(
      same(
        { keepSources: ['10.0.0.0/8'] },
        {
          masqueradeSources: [
            '0.0.0.0/5',
            '8.0.0.0/7',
            '11.0.0.0/8',
            '12.0.0.0/6',
            '16.0.0.0/4',
            '32.0.0.0/3',
            '64.0.0.0/2',
            '128.0.0.0/1',
          ],
        },
      ),
    ).toEqual([]);
    expect(same({ masqueradeLinkLocal: true, keepDestinations: ['169.254.0.0/16'] }, {})).toEqual([]);
  });
});

describe('long lists', () => {
  const many = (start: number) =>
    Array.from({ length: 2000 }, (_, index) => `${start + (index >> 8)}.${index & 255}.0.0/24`);

  test('of sources that meet long lists of destinations are not told pair by pair', () => {
    const before = toPolicy({ ...plainPolicy, ipv4: { ...plainFamily, keepSources: many(10) } });
    const after = toPolicy({ ...plainPolicy, ipv4: { ...plainFamily, forceMasquerade: many(100) } });
    const changes = diffPolicies(before, after);
    expect(changes.length).toBeLessThan(5000);
    const together = changes.filter(
      ({ before: { entry, entries } }) => entry === undefined && entries?.length === 2000,
    );
    expect(together.length).toBeGreaterThan(0);
  });
});
