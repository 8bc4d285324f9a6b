import { describe, expect, it } from 'vitest';
import { setElements } from '../../../../src/backends/nft/elements.ts';
import { parseCidr } from '../../../../src/net/cidr.ts';
import type { Family } from '../../../../src/net/family.ts';

function elementsOf(family: Family, ...texts: string[]): string[] {
  return setElements(
    family,
    texts.flatMap((text) => parseCidr(text) ?? []),
  );
}

describe('setElements', () => {
  it.each<[string, string[], string[]]>([
    ['sorts', ['192.168.0.0/16', '10.0.0.0/8'], ['10.0.0.0/8', '192.168.0.0/16']],
    ['drops what another contains', ['10.1.0.0/16', '10.0.0.0/8', '10.255.255.255/32'], ['10.0.0.0/8']],
    ['merges neighbours to a prefix', ['10.0.0.128/25', '10.0.0.0/25'], ['10.0.0.0/24']],
    ['merges neighbours to a range', ['10.0.0.0/25', '10.0.0.128/25', '10.0.1.0/25'], ['10.0.0.0-10.0.1.127']],
    ['makes no prefix of an unaligned range', ['10.0.0.128/25', '10.0.1.0/25'], ['10.0.0.128-10.0.1.127']],
    ['writes one address bare', ['10.0.0.1/32'], ['10.0.0.1']],
    ['knows everything', ['0.0.0.0/0'], ['0.0.0.0/0']],
    ['merges two halves to everything', ['128.0.0.0/1', '0.0.0.0/1'], ['0.0.0.0/0']],
    ['reaches the last address', ['255.255.255.254/31', '255.255.255.253/32'], ['255.255.255.253-255.255.255.255']],
  ])('%s', (_, cidrs, elements) => {
    expect(elementsOf('ipv4', ...cidrs)).toEqual(elements);
  });

  it.each<[string, string]>([
    ['fd00::/8', 'fd00::/8'],
    ['::/0', '::/0'],
    ['2001:db8::1/128', '2001:db8::1'],
    ['::5/128', '::5'],
    ['::ffff/128', '::ffff'],
    ['::1:5/128', '::0.1.0.5'],
    ['::1:0:0/96', '::1:0:0/96'],
    ['64:ff9b::a00:0/104', '64:ff9b::a00:0/104'],
  ])('writes %s as nft lists it: %s', (cidr, element) => {
    expect(elementsOf('ipv6', cidr)).toEqual([element]);
  });
});
