import { describe, expect, it } from 'vitest';
import {
  chainCounts,
  familiesOfTable,
  postroutingChains,
  rulesInChain,
} from '../../../../src/backends/foreign/nft-listing.ts';

describe('a listing of chains', () => {
  it('shows how many each table has', () => {
    const listing = [
      'table ip nat {',
      '\tchain a {',
      '\t}',
      '\tchain b {',
      '\t}',
      '}',
      'table inet f {',
      '\tchain a {',
      '\t}',
      '}',
    ];
    expect([...chainCounts(listing.join('\n'))]).toEqual([
      ['ip nat', 2],
      ['inet f', 1],
    ]);
  });

  it('shows those where new connections leave the host', () => {
    const listing = `table ip kube-proxy {
\tchain masquerading {
\t}
\tchain nat-postrouting {
\t\ttype nat hook postrouting priority srcnat; policy accept;
\t}
\tchain nat-output {
\t\ttype nat hook output priority -100; policy accept;
\t}
}
table inet filter {
\tchain postrouting {
\t\ttype filter hook postrouting priority filter; policy accept;
\t}
}
table ip6 nat {
\tchain POSTROUTING {
\t\ttype nat hook postrouting priority srcnat - 10; policy accept;
\t}
}
`;
    expect(postroutingChains(listing)).toEqual([
      { table: 'ip kube-proxy', name: 'nat-postrouting', priority: 100 },
      { table: 'ip6 nat', name: 'POSTROUTING', priority: 90 },
    ]);
  });

  it.each([
    ['srcnat + 10', 110],
    ['srcnat - 5', 95],
    ['110', 110],
    ['-200', -200],
    ['security', Number.NEGATIVE_INFINITY],
  ])('reads priority %s', (text, priority) => {
    const listing = `table ip t {\n\tchain c {\n\t\ttype nat hook postrouting priority ${text}; policy accept;\n\t}\n}\n`;
    expect(postroutingChains(listing)).toEqual([{ table: 'ip t', name: 'c', priority }]);
  });

  it('leaves out names that would be more than a name in a command', () => {
    const base = '\tchain x {\n\t\ttype nat hook postrouting priority 100; policy accept;\n\t}\n';
    expect(postroutingChains(`table ip a;flush {\n${base}}\n`)).toEqual([]);
    expect(postroutingChains(`table ip a {\n${base.replace('x', 'x;y')}}\n`)).toEqual([]);
  });
});

it('a listing of a chain shows its rules, each on one line', () => {
  const listing = `table ip t {
\tchain postrouting {
\t\tcomment "masquerade"
\t\ttype nat hook postrouting priority srcnat; policy accept;
\t\tip daddr { 10.0.0.0/8, 172.16.0.0/12,
\t\t\t   192.168.0.0/16 } return
\t\tmasquerade
\t}
}
`;
  expect(rulesInChain(listing)).toEqual([
    'ip daddr { 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 } return',
    'masquerade',
  ]);
});

it.each([
  ['ip nat', ['ipv4']],
  ['ip6 nat', ['ipv6']],
  ['inet cni', ['ipv4', 'ipv6']],
  ['netdev x', []],
])('through table %s pass %j', (table, families) => {
  expect(familiesOfTable(table)).toEqual(families);
});
