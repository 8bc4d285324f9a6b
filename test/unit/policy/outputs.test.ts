import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Address, parseAddress } from '../../../src/net/cidr.ts';
import { hasAddress } from '../../../src/net/ip-set.ts';
import { samePolicy } from '../../../src/policy/changes.ts';
import { decide } from '../../../src/policy/decide.ts';
import { diffPolicies } from '../../../src/policy/diff.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { regionsOf } from '../../../src/policy/regions.ts';
import { policyWith } from '../../builders/policy.ts';

const addresses = ['192.0.2.1', '192.0.2.2', '192.0.2.3'];
/** Few networks, so that they meet: each bit of the last octet counts. */
const networks = fc.constantFrom(
  '20.0.0.0/30',
  '20.0.0.0/31',
  '20.0.0.2/31',
  '20.0.0.1/32',
  '20.0.0.3/32',
  '20.0.0.4/30',
);
const list = fc.uniqueArray(networks, { maxLength: 3 });
const outputs = fc.array(fc.record({ address: fc.constantFrom(...addresses), destinations: list, sources: list }), {
  maxLength: 4,
});
const policies = fc
  .record({
    outputs,
    keepDestinations: list,
    forceMasquerade: list,
    masqueradeSources: list,
    masqueradeOutbound: fc.boolean(),
  })
  .map((ipv4) => policyWith({ ipv4 }));

const spots: readonly Address[] = Array.from({ length: 9 }, (_, index) => index)
  .map((last) => parseAddress(`20.0.0.${last}`))
  .filter((address) => address !== undefined);
const pairs = spots.flatMap((source) => spots.map((destination) => ({ source, destination, protocol: undefined })));

function outcome(policy: Policy, packet: (typeof pairs)[number]) {
  const { verdict, address } = decide(policy, packet);
  return { verdict, address };
}

describe('the addresses of masqueraded connections', () => {
  it('are those of the first entry that matches by destination and source', () => {
    const policy = policyWith({
      ipv4: {
        keepDestinations: ['20.0.0.8/32'],
        outputs: [
          { address: '192.0.2.1', destinations: ['20.0.0.0/30'], sources: ['20.0.0.1/32'] },
          { address: '192.0.2.2', destinations: ['20.0.0.0/31'] },
          { address: '192.0.2.3', sources: ['20.0.0.5/32'] },
        ],
      },
    });
    const of = (source: number, destination: number) => {
      const packet = pairs[source * spots.length + destination];
      return packet && outcome(policy, packet).address;
    };
    expect(of(1, 3)).toBe('192.0.2.1');
    expect(of(2, 1)).toBe('192.0.2.2');
    expect(of(5, 3)).toBe('192.0.2.3');
    expect(of(2, 3)).toBe(null);
    expect(of(1, 8), 'a kept connection has none').toBe(null);
  });

  it('never change a verdict', () => {
    fc.assert(
      fc.property(policies, (policy) => {
        const without = { ...policy, ipv4: { ...policy.ipv4, outputs: [] } };
        for (const packet of pairs) expect(decide(policy, packet).verdict).toBe(decide(without, packet).verdict);
      }),
      { numRuns: 100 },
    );
  });

  it('are the same by regions as by the decision, in which every connection is in one region', () => {
    fc.assert(
      fc.property(policies, (policy) => {
        const regions = regionsOf(policy.ipv4);
        for (const packet of pairs) {
          const holding = regions.filter(
            ({ sources, destinations }) =>
              hasAddress(sources, packet.source.value) && hasAddress(destinations, packet.destination.value),
          );
          expect(holding.map((region) => region.outcome)).toEqual([outcome(policy, packet)]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('count as a change where two policies differ in them alone', () => {
    fc.assert(
      fc.property(policies, policies, (before, after) => {
        const changes = diffPolicies(before, after);
        for (const packet of pairs) {
          const holding = changes.filter(
            ({ sources, destinations }) =>
              hasAddress(sources, packet.source.value) && hasAddress(destinations, packet.destination.value),
          );
          const [one, other] = [outcome(before, packet), outcome(after, packet)];
          const expected = one.verdict === other.verdict && one.address === other.address ? [] : [[one, other]];
          expect(holding.map((change) => [change.before.outcome, change.after.outcome])).toEqual(expected);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('make another policy', () => {
    const policy = policyWith({});
    expect(samePolicy(policy, policyWith({ ipv4: { outputs: [{ address: '192.0.2.1' }] } }))).toBe(false);
  });
});
