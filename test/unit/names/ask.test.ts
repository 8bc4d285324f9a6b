import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDns } from '../../../src/names/ask.ts';
import { formatAddress } from '../../../src/net/address.ts';
import { DnsServer } from '../../dns/dns-server.ts';

describe('a question to DNS', () => {
  let server: DnsServer;
  beforeEach(async () => {
    server = await DnsServer.start(() => 'NXDOMAIN');
  });
  afterEach(() => server.stop());

  const ask = async (name: string, ...families: ('ipv4' | 'ipv6')[]) => {
    const answer = await createDns({ servers: [server.address], timeoutMs: 200 })(name, families);
    if ('failure' in answer) return answer;
    return answer.addresses.map(({ family, value, ttlSeconds }) => `${formatAddress(family, value)} ${ttlSeconds}`);
  };

  it('gives the addresses of the families that are on, each with its TTL', async () => {
    server.zone = (name, type) =>
      type === 'A'
        ? [{ type: 'A', name, ttl: 30, data: '192.0.2.1' }]
        : [{ type: 'AAAA', name, ttl: 60, data: '2001:db8::1' }];
    expect(await ask('api.example.com', 'ipv4')).toEqual(['192.0.2.1 30']);
    expect(await ask('api.example.com', 'ipv4', 'ipv6')).toEqual(['192.0.2.1 30', '2001:db8::1 60']);
  });

  it('follows a chain of CNAMEs', async () => {
    server.zone = (name) => [
      { type: 'CNAME', name, ttl: 300, data: 'one.example.net' },
      { type: 'CNAME', name: 'one.example.net', ttl: 300, data: 'two.example.net' },
      { type: 'A', name: 'two.example.net', ttl: 7, data: '192.0.2.2' },
    ];
    expect(await ask('alias.example.com', 'ipv4')).toEqual(['192.0.2.2 7']);
  });

  it('leaves out IPv4-mapped addresses, which no packet goes to', async () => {
    server.zone = (name) => ['::ffff:192.0.2.1', '2001:db8::1'].map((data) => ({ type: 'AAAA', name, ttl: 5, data }));
    expect(await ask('mapped.example.com', 'ipv6')).toEqual(['2001:db8::1 5']);
  });

  it('takes the name as it is, without the search domains of the host', async () => {
    await ask('api.example', 'ipv4');
    expect(server.questions).toEqual(['A api.example']);
  });

  it('gives no address where there is no such name, or no such record: that is an answer', async () => {
    expect(await ask('no.example.com', 'ipv4', 'ipv6')).toEqual([]);
    server.zone = (name, type) => (type === 'A' ? [] : [{ type: 'AAAA', name, ttl: 60, data: '2001:db8::1' }]);
    expect(await ask('six.example.com', 'ipv4', 'ipv6')).toEqual(['2001:db8::1 60']);
  });

  it('says that nothing is known where a server fails or is silent, for one of two families too', async () => {
    server.zone = () => 'SERVFAIL';
    expect(await ask('api.example.com', 'ipv4')).toMatchObject({ failure: expect.stringContaining('ESERVFAIL') });
    server.zone = () => 'silence';
    expect(await ask('api.example.com', 'ipv4')).toMatchObject({ failure: expect.stringContaining('ETIMEOUT') });
    server.zone = (name, type) => (type === 'A' ? [{ type: 'A', name, ttl: 30, data: '192.0.2.1' }] : 'SERVFAIL');
    expect(await ask('api.example.com', 'ipv4', 'ipv6')).toMatchObject({ failure: expect.any(String) });
  });

  it('gives 64 addresses of one answer, which are too many for a datagram', async () => {
    const data = Array.from({ length: 64 }, (_, index) => `192.0.2.${index}`);
    server.zone = (name) => data.map((address) => ({ type: 'A', name, ttl: 5, data: address }));
    expect(await ask('many.example.com', 'ipv4')).toHaveLength(64);
  });
});
