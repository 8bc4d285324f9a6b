import { globSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Connection, Tuple } from '../../../src/connections/connection.ts';
import { parseConnectionLine } from '../../../src/connections/parse-line.ts';
import { formatAddress } from '../../../src/net/address.ts';
import { addressBits, type Family } from '../../../src/net/family.ts';

const fixtures = globSync('test/fixtures/conntrack/*.txt');

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').trimEnd().split('\n');
}

describe('parseConnectionLine', () => {
  it.each(fixtures)('understands every line of %s', (file) => {
    expect(linesOf(file).filter((line) => parseConnectionLine(line) === undefined)).toEqual([]);
  });

  it.each(fixtures)('leaves out what %s has of other zones', (file) => {
    const zoned = linesOf(file).filter((line) => parseConnectionLine(line) === 'other-zone');
    expect(zoned).toEqual(linesOf(file).filter((line) => line.includes('zone')));
  });

  it('reads a translated TCP connection', () => {
    const line =
      'ipv4     2 tcp      6 431999 ESTABLISHED src=10.244.7.2 dst=198.51.100.10 sport=34658 dport=30080 src=203.0.113.8 dst=198.51.100.10 sport=8080 dport=17046 [ASSURED] mark=0 use=1 id=2566608462';
    expect(parseConnectionLine(line)).toEqual({
      family: 'ipv4',
      protocol: 'tcp',
      protocolNumber: 6,
      original: {
        source: '10.244.7.2',
        destination: '198.51.100.10',
        ports: { source: 34658, destination: 30080 },
        echo: undefined,
      },
      reply: {
        source: '203.0.113.8',
        destination: '198.51.100.10',
        ports: { source: 8080, destination: 17046 },
        echo: undefined,
      },
      id: 2566608462,
    });
  });

  it('tells the id of an echo from that of the entry', () => {
    const line =
      'ipv6     10 icmpv6   58 29 src=fd00:244::2 dst=2001:db8:1::1 type=128 code=0 id=27591 src=2001:db8:1::1 dst=2001:db8:1::10 type=129 code=0 id=40042 mark=0 use=1 id=697673685';
    expect(parseConnectionLine(line)).toMatchObject({
      family: 'ipv6',
      protocol: 'icmpv6',
      original: { ports: undefined, echo: { type: 128, code: 0, id: 27591 } },
      reply: { ports: undefined, echo: { type: 129, code: 0, id: 40042 } },
      id: 697673685,
    });
  });

  it('reads one that a flowtable has taken over', () => {
    const line =
      'ipv4     2 tcp      6 src=10.0.0.1 dst=192.0.2.1 sport=1 dport=2 src=192.0.2.1 dst=10.0.0.1 sport=2 dport=1 [OFFLOAD] mark=0 use=2 id=1';
    expect(parseConnectionLine(line)).toMatchObject({ protocol: 'tcp', original: { source: '10.0.0.1' }, id: 1 });
  });

  it('reads the keys of GRE as ports', () => {
    const line =
      'ipv4     2 gre      47 99 src=10.0.0.1 dst=192.0.2.1 srckey=0x1 dstkey=0xff [UNREPLIED] src=192.0.2.1 dst=10.0.0.1 srckey=0xff dstkey=0x1 mark=0 use=1 id=1';
    expect(parseConnectionLine(line)).toMatchObject({ original: { ports: { source: 1, destination: 255 } } });
  });

  it.each(['', 'conntrack v1.4.7 (conntrack-tools): 21 flow entries have been shown.', 'ipv4     2 tcp      6'])(
    'has nothing to say of %j',
    (line) => {
      expect(parseConnectionLine(line)).toBeUndefined();
    },
  );

  it('reads back whatever conntrack could print', () => {
    fc.assert(
      fc.property(connections, extras, (connection, extra) => {
        expect(parseConnectionLine(printed(connection, extra))).toEqual(connection);
      }),
    );
  });

  it('never fails on lines that are not as they should be', () => {
    const lines = fixtures.flatMap(linesOf);
    const cut = fc.tuple(fc.constantFrom(...lines), fc.nat(300), fc.nat(300), fc.string());
    fc.assert(
      fc.property(cut, ([line, from, to, inserted]) => {
        parseConnectionLine(line.slice(0, from) + inserted + line.slice(to));
      }),
    );
  });
});

const port = fc.integer({ min: 0, max: 65_535 });

function addressOf(family: Family): fc.Arbitrary<string> {
  return fc
    .bigInt({ min: 0n, max: 2n ** BigInt(addressBits[family]) - 1n })
    .map((value) => formatAddress(family, value));
}

function tuplesOf(family: Family, kind: 'ports' | 'echo' | 'none'): fc.Arbitrary<Tuple> {
  return fc.record({
    source: addressOf(family),
    destination: addressOf(family),
    ports: kind === 'ports' ? fc.record({ source: port, destination: port }) : fc.constant(undefined),
    echo: kind === 'echo' ? fc.record({ type: fc.nat(255), code: fc.nat(255), id: port }) : fc.constant(undefined),
  });
}

const connections = fc
  .tuple(
    fc.constantFrom<Family>('ipv4', 'ipv6'),
    fc.constantFrom(
      ['tcp', 6, 'ports'] as const,
      ['udp', 17, 'ports'] as const,
      ['sctp', 132, 'ports'] as const,
      ['icmp', 1, 'echo'] as const,
      ['icmpv6', 58, 'echo'] as const,
      ['esp', 50, 'none'] as const,
    ),
  )
  .chain(([family, [protocol, protocolNumber, kind]]) =>
    fc.record<Connection>({
      family: fc.constant(family),
      protocol: fc.constant(protocol),
      protocolNumber: fc.constant(protocolNumber),
      original: tuplesOf(family, kind),
      reply: tuplesOf(family, kind),
      id: fc.nat(2 ** 32 - 1),
    }),
  );

/** What may stand between the parts: what accounting, timestamps, labels, helpers and flags add. */
const extras = fc.record({
  timeout: fc.constantFrom('', '29 ', '431999 '),
  state: fc.constantFrom('', 'ESTABLISHED ', 'SYN_SENT2 '),
  counts: fc.constantFrom('', 'packets=1 bytes=30 '),
  flag: fc.constantFrom('', '[UNREPLIED] '),
  assured: fc.constantFrom('', '[ASSURED] ', '[OFFLOAD] ', '[HW_OFFLOAD] '),
  rest: fc.constantFrom('mark=0 use=1 ', 'mark=5 secctx=u:r:t labels=a,b helper=ftp delta-time=3 use=2 ', 'use=1 '),
});

type Extra = typeof extras extends fc.Arbitrary<infer T> ? T : never;

/** The line as nfct_snprintf of libnetfilter_conntrack makes it. */
function printed({ family, protocol, protocolNumber, original, reply, id }: Connection, extra: Extra): string {
  const name = protocol === 'esp' ? 'unknown' : protocol;
  const head = `${family}     ${family === 'ipv4' ? 2 : 10} ${name.padEnd(8)} ${protocolNumber} `;
  const first = `${extra.timeout}${extra.state}${tupleText(original)}${extra.counts}${extra.flag}`;
  return `${head}${first}${tupleText(reply)}${extra.counts}${extra.assured}${extra.rest}id=${id}`;
}

function tupleText({ source, destination, ports, echo }: Tuple): string {
  return [
    `src=${source} dst=${destination} `,
    ports ? `sport=${ports.source} dport=${ports.destination} ` : '',
    echo ? `type=${echo.type} code=${echo.code} id=${echo.id} ` : '',
  ].join('');
}
