import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Cidr, lastAddress, parseCidr } from '../../../src/net/cidr.ts';
import { families } from '../../../src/net/family.ts';
import { listNames } from '../../../src/policy/policy.ts';
import { policies } from '../../generators/policies.ts';

/** As many policies as the differential test tries in one run. */
const samples = fc.sample(policies, { numRuns: 60, seed: 1 });

/** The networks of each policy and family, with the list that they stand in. */
const networks = samples.flatMap((policy) =>
  families.map((family) =>
    listNames.flatMap((list) => policy[family][list].map((text) => ({ list, cidr: cidrOf(text) }))),
  ),
);

function cidrOf(text: string): Cidr {
  const cidr = parseCidr(text);
  if (!cidr) throw new Error(`${text} is not a CIDR`);
  return cidr;
}

type Placed = (typeof networks)[number][number];

/** How many pairs of networks of one policy and family are so related. */
function countPairs(related: (one: Placed, other: Placed) => boolean): number {
  return networks.reduce(
    (sum, own) => sum + own.flatMap((one) => own.filter((other) => one !== other && related(one, other))).length,
    0,
  );
}

test.each([
  ['ipv4', [0, 1, 31, 32]],
  ['ipv6', [0, 1, 127, 128]],
] as const)('random policies have %s networks of every edge size', (family, prefixes) => {
  const found = networks
    .flat()
    .filter(({ cidr }) => cidr.family === family)
    .map(({ cidr }) => cidr.prefix);
  for (const prefix of prefixes) expect(found).toContain(prefix);
});

test('random policies have equal networks in different lists', () => {
  expect(countPairs((one, other) => one.cidr.text === other.cidr.text)).toBeGreaterThan(10);
});

test('random policies have nested and adjacent networks in one list and across lists', () => {
  const contains = ({ cidr: outer }: Placed, { cidr: inner }: Placed) =>
    outer.prefix < inner.prefix && outer.network <= inner.network && lastAddress(inner) <= lastAddress(outer);
  const precedes = ({ cidr: left }: Placed, { cidr: right }: Placed) => lastAddress(left) + 1n === right.network;
  for (const related of [contains, precedes]) {
    expect(countPairs((one, other) => one.list === other.list && related(one, other))).toBeGreaterThan(10);
    expect(countPairs((one, other) => one.list !== other.list && related(one, other))).toBeGreaterThan(10);
  }
});

test('random policies have both values of every setting, with and without IPv6, ports and lists', () => {
  const facts = samples.flatMap(({ ipv4, ipv6, randomFully, toPorts }) => [
    `random ${randomFully}`,
    `ports ${Math.min(toPorts.length, 2)}`,
    `ipv6 ${ipv6.enabled}`,
    ...[ipv4, ipv6].flatMap((family) => [
      `link-local ${family.masqueradeLinkLocal}`,
      `outbound ${family.masqueradeOutbound}`,
      ...listNames.map((list) => `${list} ${family[list].length > 0}`),
    ]),
  ]);
  const kinds = ['random', 'ipv6', 'link-local', 'outbound', ...listNames];
  const expected = [...kinds.flatMap((kind) => [`${kind} true`, `${kind} false`]), 'ports 0', 'ports 1', 'ports 2'];
  expect(new Set(facts)).toEqual(new Set(expected));
});
