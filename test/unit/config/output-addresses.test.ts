import { describe, expect, it } from 'vitest';
import { complaintsOf, effectiveOf, readText, readTexts } from './read-text.ts';

const outputsOf = (text: string, enableIPv6 = false) =>
  effectiveOf(readText(text, { enableIPv6 }))?.['outputAddresses'];

describe('outputAddresses', () => {
  it('are addresses or networks, for all or for some connections, in any letter case', () => {
    const text = `OutputAddresses:
- address: 192.0.2.10
  destinations: [203.0.113.0/24]
  sources: [10.1.0.0/16, 10.2.0.0/16]
- Address: 192.0.2.0/24
`;
    expect(outputsOf(text)).toEqual([
      { address: '192.0.2.10', destinations: ['203.0.113.0/24'], sources: ['10.1.0.0/16', '10.2.0.0/16'] },
      { address: '192.0.2.0/24' },
    ]);
    expect(outputsOf('{"outputAddresses": [{"address": "192.0.2.10"}]}')).toEqual([{ address: '192.0.2.10' }]);
  });

  it('have a short form for each family, which comes after the entries of its file', () => {
    const text =
      'outputAddress: 192.0.2.10\noutputAddressIPv6: 2001:db8::/64\noutputAddresses: [{address: 192.0.2.9}]\n';
    expect(outputsOf(text, true)).toEqual([
      { address: '192.0.2.9' },
      { address: '192.0.2.10' },
      { address: '2001:db8::/64' },
    ]);
  });

  it('of several files stand in the order of the files', () => {
    const reading = readTexts(['outputAddress: 192.0.2.2\n', 'outputAddress: 192.0.2.1\n']);
    expect(effectiveOf(reading)?.['outputAddresses']).toEqual([{ address: '192.0.2.2' }, { address: '192.0.2.1' }]);
  });

  it('are none for nothing', () => {
    for (const text of ['outputAddresses:\n', 'outputAddresses: []\n', 'outputAddress: null\n', '']) {
      expect(outputsOf(text)).toEqual([]);
    }
  });

  it('with an empty list are for all, with a warning', () => {
    const reading = readText('outputAddresses:\n- address: 192.0.2.10\n  destinations: []\n');
    expect(effectiveOf(reading)?.['outputAddresses']).toEqual([{ address: '192.0.2.10' }]);
    expect(complaintsOf(reading).join()).toContain('a:3:17: an empty list of destinations counts as none');
  });

  it.each([
    ['outputAddress: 192.0.2.300\n', 'a:1:16: "192.0.2.300": not an address (expected one address of the node'],
    ['outputAddress: 192.0.2.1-192.0.2.9\n', 'a:1:16: "192.0.2.1-192.0.2.9": not an address'],
    ['outputAddress: api.example.com\n', 'not an address'],
    ['outputAddress: 192.0.2.9/24\n', 'not an address'],
    ['outputAddress: 2001:db8::1\n', 'IPv6 is off'],
    ['outputInterface: eth1\n', 'a:1:1: outputInterface: connections can not be given an interface, only an address'],
    ['outputAddresses: 192.0.2.1\n', 'a list such as [{address: 192.0.2.10'],
    ['outputAddresses: [192.0.2.1]\n', 'not an entry of outputAddresses (expected {address: 192.0.2.10})'],
    ['outputAddresses: [{destinations: [10.0.0.0/8]}]\n', 'without an address'],
    [
      'outputAddresses: [{address: 192.0.2.1, destination: [10.0.0.0/8]}]\n',
      'destination: unknown key of an entry (expected destinations)',
    ],
    ['outputAddresses: [{address: 192.0.2.1, destinations: [10.0.0.1/8]}]\n', '"10.0.0.1/8"'],
    ['outputAddresses: [{address: 192.0.2.1, destinations: 10.0.0.0/8}]\n', 'not a list of destinations'],
  ])('are refused with what would be valid: %j', (text, complaint) => {
    const reading = readText(text);
    expect(reading.ok).toBe(false);
    expect(complaintsOf(reading).join('\n')).toContain(complaint);
  });

  it('of one family can not be for networks of the other, nor under the key of the other', () => {
    const mixed = readText('outputAddresses: [{address: 192.0.2.1, sources: [fd00::/8]}]\n', { enableIPv6: true });
    expect(complaintsOf(mixed).join()).toContain('an address of the other family than fd00::/8');
    const other = readText('outputAddress: 2001:db8::1\n', { enableIPv6: true });
    expect(complaintsOf(other).join()).toContain('expected the key outputAddressIPv6');
  });

  it('count against the limit', () => {
    const reading = readText(`outputAddresses: [${'{address: 192.0.2.1},'.repeat(65)}]\n`);
    expect(complaintsOf(reading).join()).toContain('has 65 entries, more than cidrLimit allows: 64');
  });
});
