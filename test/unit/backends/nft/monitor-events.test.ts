import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMonitorReader } from '../../../../src/backends/nft/monitor-events.ts';

/** As nft 1.0.6 printed it. */
const output = `add table ip other
# new generation 42 by process 5803 (nft)
add table inet ip-masq-agent { flags dormant; }
# new generation 43 by process 5804 (nft)
insert rule inet ip-masq-agent postrouting accept
# new generation 44 by process 5807 (some (odd) name)
add element ip other names { "inet ip-masq-agent" }
add chain inet ip-masq-agent-probe x
add chain ip ip-masq-agent x
# new generation 45 by process 5808 (nft)
delete rule inet ip-masq-agent postrouting handle 31
delete set inet ip-masq-agent __set0
delete table inet ip-masq-agent
delete table ip other
# new generation 46 by process 5816 (iptables-nft-re)
# ERROR: We lost some netlink events!
`;

const expected = [
  'change',
  'process 5804 (nft)',
  'change',
  'process 5807 (some (odd) name)',
  'change',
  'process 5816 (iptables-nft-re)',
  'lost',
];

function read(pieces: readonly string[]): string[] {
  const heard: string[] = [];
  const reader = createMonitorReader({
    onChange: () => void heard.push('change'),
    onAuthor: (by) => void heard.push(by),
    onLoss: () => void heard.push('lost'),
  });
  for (const piece of pieces) reader.read(piece);
  return heard;
}

describe('createMonitorReader', () => {
  it('hears of each transaction that touches our table, once, and of lost events', () => {
    expect(read([output])).toEqual(expected);
  });

  it('does not care how the output is cut to pieces', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat({ max: output.length })), (cuts) => {
        const ends = [...cuts, 0, output.length].sort((a, b) => a - b);
        const pieces = ends.slice(1).map((end, index) => output.slice(ends[index], end));
        expect(read(pieces)).toEqual(expected);
      }),
    );
  });

  it('names the author of what is not shown, and still hears of what is', () => {
    const heard: string[] = [];
    const hear = (what: string) => () => void heard.push(what);
    const reader = createMonitorReader({
      onChange: hear('change'),
      onAuthor: (by) => void heard.push(by),
      onLoss: hear('lost'),
    });
    reader.expectAuthor();
    reader.read('add table ip other\n# new generation 7 by process 1 (one)\n');
    reader.expectAuthor();
    reader.read('add table inet ip-masq-agent\n# new generation 8 by process 2 (two)\n');
    reader.read('add table ip other\n# new generation 9 by process 3 (three)\n');
    expect(heard).toEqual(['process 1 (one)', 'change', 'process 2 (two)']);
  });

  it('hears of what comes after a gap, though the transaction before it seems to go on', () => {
    const heard = read([
      'add element inet ip-masq-agent names { 10.0.0.0/8 }\n',
      '# ERROR: We lost some netlink events!\nadd element inet ip-masq-agent names { 11.0.0.0/8 }\n',
      'delete element inet ip-masq-agent names { 11.0.0.0/8 }\n# new generation 9 by process 3 (nft)\n',
    ]);
    expect(heard).toEqual(['change', 'lost', 'change', 'change', 'process 3 (nft)']);
  });

  it('does not wait for the end of the transaction, but for the end of the line', () => {
    expect(read(['delete table inet ip-masq-agent'])).toEqual([]);
    expect(read(['delete table inet ip-masq-agent\n'])).toEqual(['change']);
  });
});
