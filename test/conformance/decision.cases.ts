import type { PortRange } from '../../src/net/port-range.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { policyWith } from '../builders/policy.ts';
import type { Flow } from '../kernel/harness/test-bed.ts';
import { addresses } from '../kernel/harness/topology.ts';

/** A policy and what becomes of connections under it. */
export interface DecisionCase {
  readonly title: string;
  readonly policy: Policy;
  readonly expected: readonly ExpectedVerdict[];
}

export interface ExpectedVerdict extends Flow {
  readonly verdict: 'keep' | 'masquerade';
  readonly why: string;
  /** Where the source port must be afterwards. */
  readonly ports?: PortRange;
}

const pod = addresses.ipv4.pod;
const pod6 = addresses.ipv6.pod;
const nodes = { ipv4: addresses.ipv4.node, ipv6: addresses.ipv6.node };
const ports = { first: 40_000, last: 50_000 };
const remote = '203.0.113.9';
const remote6 = '2001:db8:9::9';

const everyStep = policyWith({
  ipv4: {
    masqueradeSources: ['10.244.0.0/16', '10.245.0.0/16'],
    forceMasquerade: ['198.51.100.0/24', '10.9.0.0/16'],
    keepSources: ['10.244.9.0/24'],
    keepDestinations: ['10.0.0.0/8', '192.168.0.0/16'],
  },
  ipv6: {
    masqueradeSources: ['fd00:244::/32', 'fd00:245::/32'],
    forceMasquerade: ['2001:db8:1::/48', 'fd00:9::/32'],
    keepSources: ['fd00:244:9::/48'],
    keepDestinations: ['fd00::/8'],
  },
});

/** One case or more for each step of the decision, in both families, and for the order of the steps. */
export const decisionCases: readonly DecisionCase[] = [
  {
    title: 'step by step, the first that matches wins',
    policy: everyStep,
    expected: [
      { source: pod, destination: '169.254.169.254', verdict: 'keep', why: 'link-local' },
      { source: '192.0.2.7', destination: remote, verdict: 'keep', why: 'source in no list' },
      { source: '192.0.2.7', destination: '10.9.1.1', verdict: 'keep', why: 'source in no list, though forced' },
      { source: '2001:db8:7::7', destination: remote6, verdict: 'keep', why: 'source in no list' },
      { source: '2001:db8:7::7', destination: 'fd00:9::1', verdict: 'keep', why: 'source in no list, though forced' },
      { source: pod, destination: '10.9.1.1', verdict: 'masquerade', why: 'forced, though kept' },
      { source: '10.244.9.1', destination: '10.9.1.1', verdict: 'masquerade', why: 'forced, though a kept source' },
      { source: pod6, destination: 'fd00:9::1', verdict: 'masquerade', why: 'forced, though kept' },
      { source: 'fd00:244:9::1', destination: 'fd00:9::1', verdict: 'masquerade', why: 'forced, though a kept source' },
      { source: '10.244.9.1', destination: remote, verdict: 'keep', why: 'kept source' },
      { source: 'fd00:244:9::1', destination: remote6, verdict: 'keep', why: 'kept source' },
      { source: '10.245.1.1', destination: '10.200.1.1', verdict: 'keep', why: 'kept destination' },
      { source: '10.245.1.1', destination: '192.168.255.255', verdict: 'keep', why: 'last of the second network' },
      { source: 'fd00:245::1', destination: 'fd77::1', verdict: 'keep', why: 'kept destination' },
      { source: '10.245.1.1', destination: '192.169.0.0', verdict: 'masquerade', why: 'first beyond the network' },
      { source: pod, destination: remote, verdict: 'masquerade', why: 'the rest' },
      { source: pod, destination: remote, protocol: 'tcp', verdict: 'masquerade', why: 'the rest' },
      { source: pod, destination: remote, protocol: 'icmp', verdict: 'masquerade', why: 'the rest' },
      { source: pod6, destination: remote6, verdict: 'masquerade', why: 'the rest' },
      { source: pod6, destination: remote6, protocol: 'tcp', verdict: 'masquerade', why: 'the rest' },
      { source: pod6, destination: remote6, protocol: 'icmp', verdict: 'masquerade', why: 'the rest' },
    ],
  },
  {
    title: 'the defaults, also for the connections of the node',
    policy: policyWith({
      ipv4: { keepDestinations: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'] },
      ipv6: {},
    }),
    expected: [
      { source: pod, destination: '172.31.255.255', verdict: 'keep', why: 'kept destination' },
      { source: pod, destination: '172.32.0.0', verdict: 'masquerade', why: 'beyond it' },
      { from: 'node', source: addresses.ipv4.nodeTowardsPod, destination: remote, verdict: 'masquerade', why: 'node' },
      { from: 'node', source: addresses.ipv4.nodeTowardsPod, destination: '192.168.3.3', verdict: 'keep', why: 'node' },
      { from: 'node', source: addresses.ipv6.nodeTowardsPod, destination: remote6, verdict: 'masquerade', why: 'node' },
      {
        from: 'node',
        source: addresses.ipv6.nodeTowardsPod,
        destination: 'fe80::7%world',
        verdict: 'keep',
        why: 'link-local',
      },
      { source: pod6, destination: 'fd00:1::1', verdict: 'masquerade', why: 'no list' },
    ],
  },
  {
    title: 'link-local destinations where they are masqueraded',
    policy: policyWith({ ipv4: { masqueradeLinkLocal: true }, ipv6: { masqueradeLinkLocal: true } }),
    expected: [
      { source: pod, destination: '169.254.169.254', verdict: 'masquerade', why: 'masqLinkLocal' },
      {
        from: 'node',
        source: addresses.ipv6.nodeTowardsPod,
        destination: 'fe80::7%world',
        verdict: 'masquerade',
        why: 'masqLinkLocalIPv6',
      },
      {
        from: 'node',
        source: addresses.ipv6.nodeTowardsPod,
        destination: `${addresses.linkLocal.node}%world`,
        verdict: 'keep',
        why: "the node's own address",
      },
    ],
  },
  {
    title: "link-local destinations and the node's own, though everything is forced",
    policy: policyWith({ ipv4: { forceMasquerade: ['0.0.0.0/0'] }, ipv6: { forceMasquerade: ['::/0'] } }),
    expected: [
      { source: pod, destination: '169.254.169.254', verdict: 'keep', why: 'link-local comes first' },
      { source: pod, destination: '10.1.1.1', verdict: 'masquerade', why: 'forced' },
      { source: pod6, destination: 'fd00::1', verdict: 'masquerade', why: 'forced' },
      // What comes in from elsewhere never passes the postrouting hook.
      {
        from: 'node',
        source: nodes.ipv4,
        destination: addresses.ipv4.nodeTowardsPod,
        verdict: 'keep',
        why: "the node's own address",
      },
      {
        from: 'node',
        source: nodes.ipv6,
        destination: addresses.ipv6.nodeTowardsPod,
        verdict: 'keep',
        why: "the node's own address",
      },
    ],
  },
  {
    title: 'outbound off: nothing but forced destinations',
    policy: policyWith({
      ipv4: { masqueradeOutbound: false, forceMasquerade: ['203.0.113.0/24'] },
      ipv6: { masqueradeOutbound: false, forceMasquerade: ['2001:db8:9::/48'] },
    }),
    expected: [
      { source: pod, destination: remote, verdict: 'masquerade', why: 'forced' },
      { source: pod, destination: '203.0.114.1', verdict: 'keep', why: 'outbound off' },
      { source: pod6, destination: remote6, verdict: 'masquerade', why: 'forced' },
      { source: pod6, destination: '2001:db8:10::1', verdict: 'keep', why: 'outbound off' },
    ],
  },
  {
    title: 'IPv6 off, IPv4 as ever',
    policy: policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'] } }),
    expected: [
      { source: pod6, destination: remote6, verdict: 'keep', why: 'IPv6 is off' },
      { source: pod, destination: remote, verdict: 'masquerade', why: 'IPv4 is not' },
    ],
  },
  {
    title: 'a list of sources in one family only',
    policy: policyWith({ ipv4: { masqueradeSources: ['10.245.0.0/16'] }, ipv6: {} }),
    expected: [
      { source: pod, destination: remote, verdict: 'keep', why: 'source not listed' },
      { source: '10.245.3.3', destination: remote, verdict: 'masquerade', why: 'source listed' },
      { source: pod6, destination: remote6, verdict: 'masquerade', why: 'no list in this family' },
    ],
  },
  {
    title: 'everything kept',
    policy: policyWith({ ipv4: { keepDestinations: ['0.0.0.0/0'] }, ipv6: { keepDestinations: ['::/0'] } }),
    expected: [
      { source: pod, destination: remote, verdict: 'keep', why: '0.0.0.0/0' },
      { source: pod6, destination: remote6, verdict: 'keep', why: '::/0' },
    ],
  },
  {
    title: 'port ranges, and protocols without ports',
    policy: policyWith({ ipv4: { forceMasquerade: ['10.9.0.0/16'] }, ipv6: {}, toPorts: [ports] }),
    expected: [
      { source: pod, destination: remote, verdict: 'masquerade', ports, why: 'the rest' },
      { source: pod, destination: remote, protocol: 'tcp', verdict: 'masquerade', ports, why: 'the rest' },
      { source: pod, destination: remote, protocol: 'icmp', verdict: 'masquerade', why: 'the rest' },
      { source: pod, destination: '10.9.1.1', verdict: 'masquerade', ports, why: 'forced' },
      { source: pod, destination: '10.9.1.1', protocol: 'tcp', verdict: 'masquerade', ports, why: 'forced' },
      { source: pod, destination: '10.9.1.1', protocol: 'icmp', verdict: 'masquerade', why: 'forced' },
      { source: pod6, destination: remote6, verdict: 'masquerade', ports, why: 'the rest' },
      { source: pod6, destination: remote6, protocol: 'tcp', verdict: 'masquerade', ports, why: 'the rest' },
      { source: pod6, destination: remote6, protocol: 'icmp', verdict: 'masquerade', why: 'the rest' },
    ],
  },
];
