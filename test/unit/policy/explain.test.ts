import { describe, expect, test } from 'vitest';
import type { Source } from '../../../src/config/source.ts';
import type { Settings } from '../../../src/policy/decide.ts';
import { type Explanation, explainConnection, formatExplanation } from '../../../src/policy/explain.ts';
import { hostOf } from '../../../src/policy/host.ts';
import { packetOf, plainFamily, plainPolicy, toPolicy } from '../../generators/plain-policy.ts';

const inFile = (line: number): Source => ({ file: 'settings.yaml', line, column: 3 });
const settings: Settings = {
  masqLinkLocal: { value: false, source: 'default' },
  masqLinkLocalIPv6: { value: false, source: inFile(2) },
  masqOutBound: { value: false, source: inFile(3) },
  masqOutBoundIPv6: { value: false, source: inFile(4) },
};

const lists = toPolicy({
  ...plainPolicy,
  toPorts: [
    { first: 1024, last: 29_999 },
    { first: 32_768, last: 65_535 },
  ],
  ipv4: {
    ...plainFamily,
    masqueradeSources: ['10.244.0.0/16', '10.246.0.0/16'],
    forceMasquerade: ['192.0.2.0/24', '203.0.113.0/24'],
    keepSources: ['10.244.9.0/24'],
    keepDestinations: ['172.16.0.0/12', '192.168.0.0/16', '203.0.113.0/24'],
  },
});
const outboundOff = toPolicy({
  ...plainPolicy,
  ipv4: { ...plainFamily, masqueradeOutbound: false },
  ipv6: { ...plainFamily, masqueradeOutbound: false },
});
const ipv6Off = toPolicy({ ...plainPolicy, ipv6: { ...plainFamily, enabled: false } });

function explain(policy: typeof lists, ...packet: Parameters<typeof packetOf>): Explanation {
  return explainConnection({ policy, settings }, packetOf(...packet));
}

test('is plain data with the deciding entry, its place, and what would come next', () => {
  const explanation = explain(lists, '10.244.7.2', '203.0.113.9', 'udp');
  expect(JSON.parse(JSON.stringify(explanation))).toEqual({
    src: '10.244.7.2',
    dst: '203.0.113.9',
    family: 'ipv4',
    protocol: 'udp',
    verdict: 'masquerade',
    address: null,
    step: 5,
    id: 'force-masquerade',
    reason: 'the destination is in forceMasqueradeCIDRs',
    entry: '203.0.113.0/24',
    source: 'config:2',
    next: {
      verdict: 'keep',
      address: null,
      step: 8,
      id: 'keep-destination',
      reason: 'the destination is in nonMasqueradeCIDRs',
      entry: '203.0.113.0/24',
      source: 'config:3',
    },
    ports: [
      { range: '1024-29999', probability: 28_976 / 61_744 },
      { range: '32768-65535', probability: 32_768 / 61_744 },
    ],
    randomFully: true,
    unknownNames: [],
    localAddresses: 'loopback-only',
  });
});

describe('names the cause and its place for step', () => {
  test.each<[number, typeof lists, string, string, Partial<Explanation>]>([
    [
      1,
      lists,
      '10.244.7.2',
      '127.0.0.1',
      { reason: 'the destination is an address of the host itself', entry: null, source: 'default' },
    ],
    [
      2,
      ipv6Off,
      'fd00::2',
      '2001:db8::1',
      { reason: 'IPv6 is left alone without --enable-ipv6', entry: null, source: '--enable-ipv6' },
    ],
    [
      3,
      lists,
      '10.244.7.2',
      '169.254.169.254',
      {
        reason: 'the destination is link-local and masqLinkLocal is false',
        entry: '169.254.0.0/16',
        source: 'default',
      },
    ],
    [
      3,
      lists,
      'fd00::2',
      'fe80::1',
      {
        reason: 'the destination is link-local and masqLinkLocalIPv6 is false',
        entry: 'fe80::/10',
        source: 'settings.yaml:2',
      },
    ],
    [
      4,
      lists,
      '10.245.0.1',
      '192.0.2.1',
      {
        reason: 'masqueradeSrcCIDRs has IPv4 entries, and the source is in none of them',
        entry: null,
        source: 'config:1',
      },
    ],
    [
      5,
      lists,
      '10.246.0.1',
      '192.0.2.1',
      {
        reason: 'the destination is in forceMasqueradeCIDRs',
        entry: '192.0.2.0/24',
        source: 'config:1',
      },
    ],
    [
      6,
      outboundOff,
      '10.244.7.2',
      '192.0.2.1',
      {
        reason: 'masqOutBound is false: only forceMasqueradeCIDRs is masqueraded',
        entry: null,
        source: 'settings.yaml:3',
      },
    ],
    [
      6,
      outboundOff,
      'fd00::2',
      '2001:db8::1',
      {
        reason: 'masqOutBoundIPv6 is false: only forceMasqueradeCIDRs is masqueraded',
        entry: null,
        source: 'settings.yaml:4',
      },
    ],
    [
      7,
      lists,
      '10.244.9.1',
      '8.8.8.8',
      { reason: 'the source is in nonMasqueradeSrcCIDRs', entry: '10.244.9.0/24', source: 'config:1' },
    ],
    [
      8,
      lists,
      '10.244.7.2',
      '172.31.255.255',
      { reason: 'the destination is in nonMasqueradeCIDRs', entry: '172.16.0.0/12', source: 'config:1' },
    ],
    [9, lists, '10.244.7.2', '8.8.8.8', { reason: 'nothing says to keep the source', entry: null, source: 'default' }],
  ])('%i', (step, policy, source, destination, expected) => {
    expect(explain(policy, source, destination)).toMatchObject({ step, ...expected });
  });
});

test('tells no ports and no randomisation of a source that is kept, and nothing after the last step', () => {
  expect(explain(lists, '10.244.7.2', '192.168.0.1')).toMatchObject({
    verdict: 'keep',
    ports: null,
    randomFully: null,
    next: { verdict: 'masquerade', step: 9 },
  });
  expect(explain(lists, '10.244.7.2', '8.8.8.8').next).toBeNull();
});

test('tells that the original port is preferred where --random-fully is off', () => {
  expect(explain({ ...lists, randomFully: false }, '10.244.7.2', '8.8.8.8').randomFully).toBe(false);
});

describe('as text', () => {
  test('of a masqueraded connection', () => {
    expect(formatExplanation(explain(lists, '10.244.7.2', '203.0.113.9', 'udp'))).toMatchInlineSnapshot(`
      "masquerade: 10.244.7.2 -> 203.0.113.9 udp
        why    the destination is in forceMasqueradeCIDRs (step 5 of 9; 203.0.113.0/24, config:2)
        else   keep: the destination is in nonMasqueradeCIDRs (step 8 of 9; 203.0.113.0/24, config:3)
        ports  1024-29999 (46.9 %) or 32768-65535 (53.1 %), chosen at random
        note   The addresses of the node are not known here: destinations that are its own are kept (step 1).
      "
    `);
    expect(formatExplanation(explain(lists, '10.244.7.2', '8.8.8.8'))).toMatchInlineSnapshot(`
      "masquerade: 10.244.7.2 -> 8.8.8.8
        why    nothing says to keep the source (step 9 of 9; default)
        ports  1024-29999 (46.9 %) or 32768-65535 (53.1 %), chosen at random; for tcp, udp and sctp only
        note   The addresses of the node are not known here: destinations that are its own are kept (step 1).
      "
    `);
    expect(
      formatExplanation(explain({ ...lists, randomFully: false }, '10.244.7.2', '8.8.8.8', 'icmp')),
    ).toMatchInlineSnapshot(`
      "masquerade: 10.244.7.2 -> 8.8.8.8 icmp
        why    nothing says to keep the source (step 9 of 9; default)
        ports  any, the original where it is free
        note   The addresses of the node are not known here: destinations that are its own are kept (step 1).
      "
    `);
  });

  test('of a connection that is kept', () => {
    expect(formatExplanation(explain(lists, '10.244.7.2', '192.168.0.1', 'tcp'))).toMatchInlineSnapshot(`
      "keep: 10.244.7.2 -> 192.168.0.1 tcp
        why    the destination is in nonMasqueradeCIDRs (step 8 of 9; 192.168.0.0/16, config:2)
        else   masquerade: nothing says to keep the source (step 9 of 9; default)
        means  this agent leaves the connection alone; other NAT rules of the host still see it
        note   The addresses of the node are not known here: destinations that are its own are kept (step 1).
      "
    `);
  });

  test('says when the addresses of this machine were asked', () => {
    const host = hostOf([{ address: '203.0.113.9', cidr: '203.0.113.9/24', internal: false }]);
    const explanation = explainConnection({ policy: lists, settings, host }, packetOf('10.244.7.2', '203.0.113.9'));
    expect(explanation).toMatchObject({ step: 1, localAddresses: 'this-machine' });
    expect(formatExplanation(explanation)).toMatchInlineSnapshot(`
      "keep: 10.244.7.2 -> 203.0.113.9
        why    the destination is an address of the host itself (step 1 of 9; default)
        else   masquerade: the destination is in forceMasqueradeCIDRs (step 5 of 9; 203.0.113.0/24, config:2)
        means  this agent leaves the connection alone; other NAT rules of the host still see it
        note   Step 1 was judged by the addresses of this machine.
      "
    `);
  });
});
