import { describe, expect, it } from 'vitest';
import { BoundedCounter } from '../../../src/connections/bounded-counter.ts';
import { Census } from '../../../src/connections/census.ts';
import type { Connection } from '../../../src/connections/connection.ts';
import { formatConnections } from '../../../src/connections/format.ts';
import type { Judgement } from '../../../src/connections/judge.ts';
import { PortCount } from '../../../src/connections/ports.ts';
import { connectionOf, type Flow } from './connections.ts';

const node = '198.51.100.10';
const keep = { verdict: 'keep', address: null } as const;
const masquerade = { verdict: 'masquerade', address: null } as const;
const asNode = { verdict: 'masquerade', address: node } as const;

const unknown = { entries: undefined, limit: undefined, insertFailed: undefined, drop: undefined };

function censusOf(judged: readonly (readonly [Flow, Judgement])[]): Census {
  const census = new Census({ toPorts: [], portBudget: undefined });
  for (const [flow, judgement] of judged) census.add(connectionOf(flow), judgement);
  return census;
}

const stale: readonly [Flow, Judgement] = [{}, { kind: 'otherwise', is: keep, should: masquerade, isOwn: false }];
const right: readonly [Flow, Judgement] = [
  { as: node },
  { kind: 'agrees', is: asNode, should: masquerade, isOwn: false },
];
const foreign: readonly [Flow, Judgement] = [
  { as: node, destination: '10.9.9.9' },
  { kind: 'other', is: asNode, should: keep, isOwn: false },
];
const ping: readonly [Flow, Judgement] = [
  { protocol: 'icmp' },
  { kind: 'otherwise', is: keep, should: { verdict: 'masquerade', address: node }, isOwn: false },
];
const own: readonly [Flow, Judgement] = [
  { source: node },
  { kind: 'agrees', is: keep, should: masquerade, isOwn: true },
];

describe('a report', () => {
  it('counts connections by what they are, the busiest first', () => {
    const report = censusOf([ping, stale, stale, right, foreign, [{}, { kind: 'local' }]]).report(2);
    expect(report).toMatchObject({ total: 6, masqueraded: 2, kept: 3, others: 1, deleted: 2 });
    expect(report.otherwise).toEqual({
      count: 3,
      top: [
        {
          protocol: 'udp',
          source: '10.244.7.2',
          destination: '203.0.113.8',
          port: 53,
          is: keep,
          should: masquerade,
          count: 2,
        },
        {
          protocol: 'icmp',
          source: '10.244.7.2',
          destination: '203.0.113.8',
          port: null,
          is: keep,
          should: asNode,
          count: 1,
        },
      ],
    });
  });

  it('is one screen for people', () => {
    const report = censusOf([ping, stale, stale, right, foreign, [{}, { kind: 'local' }]]).report(1);
    const statistics = { entries: 6, limit: 262_144, insertFailed: 136, drop: 138 };
    expect(formatConnections(report, statistics)).toMatchInlineSnapshot(`
      "connections 6: 2 masqueraded, 3 kept, 1 that end on this node
                  the table holds 6 of at most 262144
                  136 could not be entered since boot, 138 packets were dropped by it or by a full table
      otherwise   3 were treated in another way than the policy in force treats them
                  2 of udp 10.244.7.2 -> 203.0.113.8:53: kept, should be masqueraded
                  1 of icmp 10.244.7.2 -> 203.0.113.8: kept, should be masqueraded as 198.51.100.10
      others      1 look like that, but may be the work of other programs
      ports       1 of 64512 (0.0 %) of 198.51.100.10 to 203.0.113.8:53 udp
                  1 of 64512 (0.0 %) of 198.51.100.10 to 10.9.9.9:53 udp
      deleted     1: their next packets are judged by the policy in force
      "
    `);
    expect(formatConnections(censusOf([]).report(), unknown)).toMatchInlineSnapshot(`
      "connections 0: 0 masqueraded, 0 kept, 0 that end on this node
      otherwise   0 were treated in another way than the policy in force treats them
      others      0 look like that, but may be the work of other programs
      ports       no source port is in use
      "
    `);
  });

  it('counts the ports of the node’s own connections, where these are masqueraded too', () => {
    const [use] = censusOf([right, own, own]).report().ports;
    expect(use).toMatchObject({ destination: '203.0.113.8', port: 53, address: node, used: 3, available: 64_512 });
  });
});

describe('source ports', () => {
  const fill = (count: PortCount, connections: readonly Connection[]) => {
    for (const connection of connections) count.add(connection);
    return count.top(10);
  };
  const flows = (number: number, flow: Flow) =>
    Array.from({ length: number }, (_, index) => connectionOf({ as: node, asPort: 2000 + index, ...flow }));

  it('are counted for each address, the fullest of which stands for the destination', () => {
    const uses = fill(new PortCount([], undefined), [
      ...flows(3, {}),
      ...flows(5, { as: '198.51.100.11' }),
      ...flows(4, { port: 443, protocol: 'tcp' }),
    ]);
    expect(uses).toMatchObject([
      { protocol: 'udp', port: 53, address: '198.51.100.11', used: 5 },
      { protocol: 'tcp', port: 443, address: node, used: 4 },
    ]);
  });

  it('are those of the translated destination', () => {
    const [use] = fill(new PortCount([], undefined), flows(1, { destination: '10.96.0.10', to: '192.0.2.1' }));
    expect(use).toMatchObject({ destination: '192.0.2.1' });
  });

  it.each([
    [[{ first: 2000, last: 2063 }], undefined, 64],
    [
      [
        { first: 2000, last: 2063 },
        { first: 2050, last: 2099 },
      ],
      undefined,
      100,
    ],
    [[{ first: 2000, last: 2063 }], 32, 32],
    [[], 1024, 1024],
    [[], 100_000, 64_512],
  ])('are as many as %j and a budget of %s leave', (toPorts, budget, available) => {
    const [use] = fill(new PortCount(toPorts, budget), flows(64, {}));
    expect(use).toMatchObject({ used: 64, available, share: Math.min(1, 64 / available) });
  });

  it('outside of the range are not counted, nor are protocols without ports', () => {
    const count = new PortCount([{ first: 2000, last: 2063 }], undefined);
    expect(fill(count, [...flows(1, { asPort: 40_000 }), ...flows(1, { protocol: 'icmp' })])).toEqual([]);
  });
});

describe('a bounded counter', () => {
  it('counts exactly while there is room', () => {
    const counter = new BoundedCounter(3);
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) counter.add(key);
    expect(counter.all()).toEqual([
      ['a', 3],
      ['b', 2],
      ['c', 1],
    ]);
  });

  it('keeps what is met often, however much else there is', () => {
    const counter = new BoundedCounter(100);
    for (let index = 0; index < 10_000; index++) {
      counter.add(`rare ${index}`);
      if (index % 20 === 0) counter.add('often');
    }
    const [[key, count] = ['', 0]] = counter.all();
    expect(key).toBe('often');
    // 500 times, and forgotten no oftener than 10,500 things over half the capacity.
    expect(count).toBeGreaterThanOrEqual(500 - 210);
    expect(count).toBeLessThanOrEqual(500);
    expect(counter.all().length).toBeLessThanOrEqual(100);
  });
});
