import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deletionRequest } from '../../../src/connections/ctnetlink.ts';
import { parseConnectionLine } from '../../../src/connections/parse-line.ts';

/** What `conntrack -D` (1.4.7) was seen to send for the same connection, from the tuple's own header on. */
const seen: readonly (readonly [line: string, family: number, tuple: string])[] = [
  [
    'ipv4     2 udp      17 29 src=10.244.7.2 dst=198.51.100.1 sport=59993 dport=53 [UNREPLIED] src=198.51.100.1 dst=10.244.7.2 sport=53 dport=59993 mark=0 use=1 id=586338448',
    2,
    '34000180 14000180 08000100 0af40702 08000200 c6336401 1c000280 05000100 11000000 06000200 ea590000 06000300 00350000',
  ],
  [
    'ipv4     2 icmp     1 29 src=10.244.7.2 dst=203.0.113.8 type=8 code=0 id=9461 src=203.0.113.8 dst=198.51.100.10 type=0 code=0 id=2772 mark=0 use=1 id=1',
    2,
    '3c000180 14000180 08000100 0af40702 08000200 cb007108 24000280 05000100 01000000 05000600 00000000 05000500 08000000 06000400 24f50000',
  ],
  [
    'ipv6     10 icmpv6   58 29 src=fd00:244::2 dst=2001:db8:1::1 type=128 code=0 id=9474 src=2001:db8:1::1 dst=2001:db8:1::10 type=129 code=0 id=36190 mark=0 use=1 id=4294967295',
    10,
    '54000180 2c000180 14000300 fd000244000000000000000000000002 14000400 20010db8000100000000000000000001 24000280 05000100 3a000000 05000900 00000000 05000800 80000000 06000700 25020000',
  ],
  [
    'ipv4     2 sctp     132 99 ESTABLISHED src=10.244.7.2 dst=203.0.113.8 sport=5000 dport=36412 [UNREPLIED] src=203.0.113.8 dst=10.244.7.2 sport=36412 dport=5000 mark=0 use=1 id=4177213756',
    2,
    '34000180 14000180 08000100 0af40702 08000200 cb007108 1c000280 05000100 84000000 06000200 13880000 06000300 8e3c0000',
  ],
];

function connectionOn(line: string) {
  const connection = parseConnectionLine(line);
  if (connection === undefined || connection === 'other-zone') throw new Error(`not a connection: ${line}`);
  return connection;
}

describe('deletionRequest', () => {
  it.each(seen)('names the connection as conntrack does: %s', (line, family, tuple) => {
    const connection = connectionOn(line);
    const { type: messageType, body } = deletionRequest(connection);
    const tupleBytes = Buffer.from(tuple.replaceAll(' ', ''), 'hex');
    expect(messageType).toBe(0x0102);
    expect([...body.subarray(0, 4)]).toEqual([family, 0, 0, 0]);
    expect(body.subarray(4, 4 + tupleBytes.length).toString('hex')).toBe(tupleBytes.toString('hex'));
    const [length, type, id] = [
      body.readUInt16LE(body.length - 8),
      body.readUInt16LE(body.length - 6),
      body.readUInt32BE(body.length - 4),
    ];
    expect([length, type, id]).toEqual([8, 12, connection.id]);
    expect(body.length).toBe(4 + tupleBytes.length + 8);
  });

  it('always has whole attributes', () => {
    const [[line] = ['']] = seen;
    const port = fc.integer({ min: 0, max: 65_535 });
    fc.assert(
      fc.property(port, port, fc.nat(255), fc.nat(2 ** 32 - 1), (source, destination, protocolNumber, id) => {
        const original = { ...connectionOn(line).original, ports: { source, destination } };
        const { body } = deletionRequest({ ...connectionOn(line), protocolNumber, original, id });
        expect(body.length % 4).toBe(0);
      }),
    );
  });
});
