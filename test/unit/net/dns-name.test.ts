import { describe, expect, it } from 'vitest';
import { dnsNamePattern, isName, parseDnsName } from '../../../src/net/dns-name.ts';

describe('a DNS name', () => {
  it.each([
    'example.com',
    'registry-1.docker.io',
    '0.pool.ntp.org',
    '1.2a.example',
    '_sip.example.com',
    'xn--bcher-kva.example',
    'a.b1',
    `${'a'.repeat(63)}.example`,
  ])('is %s', (text) => expect(parseDnsName(text)).toEqual({ isName: true, text }));

  it('means the same in capitals', () => {
    expect(parseDnsName('Example.COM')).toEqual({ isName: true, text: 'example.com' });
  });

  it.each([
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.300/8',
    '10.0.0.1-10.0.0.9',
    '10.0.0.x',
    '10.0.0.xx',
    '10.0.example.com',
    'fe80::1%eth0',
    '::1',
    'localhost',
    'example.c',
    'example.1a',
    'example.com.',
    '.example.com',
    'a..example',
    '-a.example',
    'a-.example',
    '*.example.com',
    'exa mple.com',
    'bücher.example',
    `${'a'.repeat(64)}.example`,
    `${'abcdefghi.'.repeat(25)}example`,
    '',
  ])('is not %j', (text) => expect(parseDnsName(text)).toBeUndefined());

  it('is told from networks, and by the pattern for editors from most of what is none', () => {
    expect(isName({ isName: true, text: 'example.com' })).toBe(true);
    expect(isName({ text: '10.0.0.0/8' })).toBe(false);
    const pattern = new RegExp(`^${dnsNamePattern}$`);
    expect(['example.com', '10.0.0.0', 'localhost'].map((text) => pattern.test(text))).toEqual([true, false, false]);
  });
});
