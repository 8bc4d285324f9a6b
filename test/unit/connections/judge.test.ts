import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decidersOf } from '../../../src/backends/foreign/deciders.ts';
import { natRuleOfIptables } from '../../../src/backends/foreign/iptables-rule.ts';
import type { NatHook } from '../../../src/backends/foreign/nat-hooks.ts';
import { parseRule } from '../../../src/backends/iptables/rule-text.ts';
import { Judge } from '../../../src/connections/judge.ts';
import { hostWith } from '../../../src/connections/local-addresses.ts';
import { decide } from '../../../src/policy/decide.ts';
import { policyWith } from '../../builders/policy.ts';
import { formatBits } from '../../generators/bits.ts';
import { addressOf, packetOf, toPolicy } from '../../generators/plain-policy.ts';
import { packetAims, policies, takeAim } from '../../generators/policies.ts';
import { connectionOf, type Flow } from './connections.ts';

const node = '198.51.100.10';
const otherNode = '198.51.100.11';
const gone = '198.51.100.99';
const policy = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8', '192.168.0.0/16'] } });

const host = hostWith([node, otherNode, '10.244.7.1'].map((text) => ({ address: addressOf(text), prefix: 32 })));

interface Foreign {
  /** Rules in POSTROUTING; `CHAIN: rule` stands in a chain of its own. */
  readonly before?: readonly string[];
  readonly after?: readonly string[];
}

function hook(when: NatHook['when'], rules: readonly string[]): NatHook {
  const parsed = rules.map((rule) => parseRule(rule));
  const inChain = (name: string) =>
    parsed.filter(({ chain }) => chain === name).map((rule) => natRuleOfIptables(rule, 'ipv4'));
  const names = new Set(parsed.map(({ chain }) => chain));
  const chains = new Map([...names].map((name) => [name, inChain(name)]));
  return { backend: 'iptables-nft', family: 'ipv4', table: 'nat', when, rules: inChain('POSTROUTING'), chains };
}

function judged(flow: Flow, { before = [], after = [] }: Foreign = {}, isKnown = true): string {
  const hooks = [hook('before', before), hook('after', after)];
  const judge = new Judge({
    policy,
    host,
    decidersOf: isKnown ? (source, destination) => decidersOf(hooks, source, destination) : undefined,
  });
  return judge.judge(connectionOf(flow)).kind;
}

/** What each of the three rules names: kept though masqueraded, masqueraded though kept, with an address that is gone. */
const keptWrongly: Flow = { destination: '203.0.113.8' };
const masqueradedWrongly: Flow = { destination: '10.9.9.9', as: node };
const withLostAddress: Flow = { destination: '203.0.113.8', as: gone };

describe('a connection is judged otherwise', () => {
  it.each([
    ['keeps its address, and the policy masquerades it', keptWrongly],
    ['is masqueraded, and the policy keeps it', masqueradedWrongly],
    ['has an address that the node has not', withLostAddress],
    [
      'keeps its address to a translated destination that the policy masquerades',
      { destination: '10.96.0.10', to: '203.0.113.8' },
    ],
    ['is of TCP', { ...keptWrongly, protocol: 'tcp' }],
    ['is of ICMP', { ...keptWrongly, protocol: 'icmp' }],
  ] satisfies [string, Flow][])('where it %s', (_, flow) => {
    expect(judged(flow)).toBe('otherwise');
  });

  it.each([
    ['was masqueraded as the policy does', { destination: '203.0.113.8', as: node }],
    ['was masqueraded to any address of the node', { destination: '203.0.113.8', as: otherNode }],
    ['was kept as the policy does', { destination: '10.9.9.9' }],
    ['was translated to a destination that the policy keeps', { destination: '203.0.113.8', to: '10.9.9.9' }],
    ['changed its port only', { destination: '10.9.9.9', asPort: 1 }],
    ['is of the node, whatever it looks like', { source: node, destination: '203.0.113.8' }],
  ] satisfies [string, Flow][])('but not where it %s', (_, flow) => {
    expect(judged(flow)).toBe('agrees');
  });

  it.each([
    ['a NodePort: both addresses translated', { destination: node, to: '10.9.9.9', as: node }],
    ['a hairpin: to itself by way of a Service', { destination: '10.96.0.10', to: '10.244.7.2', as: '10.244.7.1' }],
    ['a Service, masqueraded to an address that is gone', { destination: '10.96.0.10', to: '203.0.113.8', as: gone }],
    ['the node’s own with another address', { source: node, destination: '10.9.9.9', as: otherNode }],
  ] satisfies [string, Flow][])('nor %s', (_, flow) => {
    expect(judged(flow)).toBe('other');
  });

  it('nor one whose destination has another port', () => {
    const connection = connectionOf({ ...masqueradedWrongly, port: 80 });
    const original = { ...connection.original, ports: { source: 40_000, destination: 8080 } };
    const judge = new Judge({ policy, host, decidersOf: () => [] });
    expect(judge.judge({ ...connection, original }).kind).toBe('other');
  });

  it.each([node, '127.0.0.1', '10.244.7.1'])('nor what ends on the node at %s', (destination) => {
    expect(judged({ destination, as: otherNode })).toBe('local');
    expect(judged({ destination: '203.0.113.8', to: destination })).toBe('local');
  });
});

describe('the work of another program', () => {
  it.each([
    ['masquerades', ['-A POSTROUTING -s 10.244.0.0/16 -j MASQUERADE']],
    ['names an address', ['-A POSTROUTING -d 10.9.0.0/16 -j SNAT --to-source 198.51.100.10']],
    ['goes by a mark', ['-A POSTROUTING -m mark --mark 0x1/0x1 -j MASQUERADE']],
    ['goes by an ipset', ['-A POSTROUTING -m set --match-set pods src -j MASQUERADE']],
    ['stands in a chain', ['-A POSTROUTING -s 10.244.7.2/32 -j CNI-1', '-A CNI-1 ! -d 224.0.0.0/4 -j MASQUERADE']],
    ['stands in a chain that could not be read', ['-A POSTROUTING -j UNREAD']],
    [
      'comes after one that may spare it',
      ['-A POSTROUTING -m mark --mark 0x1 -j RETURN', '-A POSTROUTING -j MASQUERADE'],
    ],
  ])('may be what is masqueraded, where a rule before or after ours %s', (_, rules) => {
    expect(judged(masqueradedWrongly, { before: rules })).toBe('other');
    expect(judged(masqueradedWrongly, { after: rules })).toBe('other');
  });

  it.each([
    ['is about other sources', ['-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE']],
    ['is about other destinations', ['-A POSTROUTING ! -d 10.0.0.0/8 -j MASQUERADE']],
    ['does no NAT', ['-A POSTROUTING -j LOG', '-A POSTROUTING -j MARK --set-xmark 0x1/0x1']],
    ['comes after one that spares it', ['-A POSTROUTING -d 10.0.0.0/8 -j RETURN', '-A POSTROUTING -j MASQUERADE']],
    [
      'stands in a chain that leaves it',
      ['-A POSTROUTING -j X', '-A X -s 10.244.7.0/24 -j RETURN', '-A X -j MASQUERADE'],
    ],
  ])('is not what a rule did that %s', (_, rules) => {
    expect(judged(masqueradedWrongly, { before: rules })).toBe('otherwise');
  });

  it('may be what is kept, where a rule before ours accepts', () => {
    const accept = ['-A POSTROUTING -d 203.0.113.0/24 -j ACCEPT', '-A POSTROUTING -j MASQUERADE'];
    expect(judged(keptWrongly, { before: accept })).toBe('other');
    expect(judged(keptWrongly, { before: ['-A POSTROUTING -m set --match-set x dst -j ACCEPT'] })).toBe('other');
    expect(judged(keptWrongly, { after: accept })).toBe('otherwise');
    expect(judged(keptWrongly, { before: ['-A POSTROUTING -d 192.0.2.0/24 -j ACCEPT'] })).toBe('otherwise');
  });

  it('would be what comes after a deletion, where a rule before ours is certain to masquerade', () => {
    expect(judged(keptWrongly, { before: ['-A POSTROUTING -s 10.244.0.0/16 -j MASQUERADE'] })).toBe('other');
  });

  it('is not what is kept, where a rule before ours would have left a trace', () => {
    const kubeProxy = ['-A POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN', '-A POSTROUTING -j MASQUERADE'];
    expect(judged(keptWrongly, { before: kubeProxy })).toBe('otherwise');
  });

  it('may be everything, where its rules are not known', () => {
    for (const flow of [keptWrongly, masqueradedWrongly, withLostAddress])
      expect(judged(flow, {}, false)).toBe('other');
  });
});

describe('the policy', () => {
  it('is asked as decide() is, whatever it holds', () => {
    const nobody = hostWith([]);
    fc.assert(
      fc.property(policies, fc.array(packetAims, { minLength: 1, maxLength: 30 }), (plain, aims) => {
        const drawn = toPolicy(plain);
        const judge = new Judge({ policy: drawn, host: nobody, decidersOf: () => [] });
        for (const { family, ...bits } of aims.map((aim) => takeAim(plain, aim))) {
          const source = formatBits(family, bits.source);
          const destination = formatBits(family, bits.destination);
          const packet = packetOf(source, destination, 'udp');
          const { verdict } = decide(drawn, packet, nobody);
          const found = judge.judge(connectionOf({ source, destination }));
          if (nobody.isLocal(packet.destination)) expect(found.kind).toBe('local');
          else if (!nobody.isLocal(packet.source)) expect(found).toMatchObject({ should: { verdict } });
        }
      }),
    );
  });
});
