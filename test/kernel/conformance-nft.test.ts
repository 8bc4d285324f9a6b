import { describeConformance } from '../conformance/backend.cases.ts';

const table = ['inet', 'ip-masq-agent'] as const;

describeConformance('nft', {
  'a table that is gone': [['nft', 'delete', 'table', ...table]],
  'rules that are gone': [['nft', 'flush', 'table', ...table]],
  'a base chain that is empty': [['nft', 'flush', 'chain', ...table, 'postrouting']],
  'a rule too many': [['nft', 'insert', 'rule', ...table, 'postrouting', 'accept']],
  'a chain too many': [['nft', 'add', 'chain', ...table, 'stranger']],
  'a table put to sleep': [['nft', 'add table inet ip-masq-agent { flags dormant; }']],
  'all rules of the host gone': [['nft', 'flush', 'ruleset']],
});
