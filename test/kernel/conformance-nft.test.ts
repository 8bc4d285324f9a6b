import { describeConformance } from '../conformance/backend.cases.ts';

const table = ['inet', 'ip-masq-agent'] as const;

/** nft's JSON takes any name (libnftables-json(5)). The first chain judges connections, too, and refers to the second. */
const whose = { family: 'inet', table: 'ip-masq-agent' };
const hook = { type: 'nat', hook: 'postrouting', prio: 0, policy: 'accept' };
const unspeakable = [
  { add: { chain: { ...whose, name: 'a b', ...hook } } },
  { add: { chain: { ...whose, name: 'say "x"; flush ruleset' } } },
  { add: { chain: { ...whose, name: 'two\n}\n\tlines \u001b[31m' } } },
  { add: { set: { ...whose, name: 's p', type: 'ipv4_addr' } } },
  { add: { counter: { ...whose, name: "c'o" } } },
  { add: { chain: { ...whose, name: 'plain' } } },
  { add: { rule: { ...whose, chain: 'plain', expr: [{ jump: { target: 'say "x"; flush ruleset' } }] } } },
  { add: { rule: { ...whose, chain: 'a b', expr: [{ jump: { target: 'plain' } }] } } },
];

describeConformance('nft', {
  'a table that is gone': [['nft', 'delete', 'table', ...table]],
  'rules that are gone': [['nft', 'flush', 'table', ...table]],
  'a base chain that is empty': [['nft', 'flush', 'chain', ...table, 'postrouting']],
  'a rule too many': [['nft', 'insert', 'rule', ...table, 'postrouting', 'accept']],
  'a chain too many': [['nft', 'add', 'chain', ...table, 'stranger']],
  'a table put to sleep': [['nft', 'add table inet ip-masq-agent { flags dormant; }']],
  'objects whose names no script can write': [['nft', '-j', JSON.stringify({ nftables: unspeakable })]],
  'all rules of the host gone': [['nft', 'flush', 'ruleset']],
});
