import { addressBits, type Family } from '../../src/net/family.ts';

/** An address as a text of `0` and `1`, as long as the family's addresses: a form in which mistakes are hard. */
export type Bits = string;

export function bitsOf(family: Family, value: bigint): Bits {
  return value.toString(2).padStart(addressBits[family], '0');
}

export function numberOf(bits: Bits): bigint {
  return BigInt(`0b${bits}`);
}

/** The bits of a textual address, without the parser under test. */
export function parseBits(text: string): Bits {
  if (!text.includes(':'))
    return text
      .split('.')
      .map((field) => Number(field).toString(2).padStart(8, '0'))
      .join('');
  const [head = [], tail = []] = text.split('::').map((half) => half.split(':').filter(Boolean));
  const groups = [...head, ...new Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return groups.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('');
}

/** Containment as a comparison of texts: a network is the beginning of the addresses in it. */
export function inNetwork(cidr: string, address: Bits): boolean {
  const [network = '', prefix = ''] = cidr.split('/');
  return (
    address.length === parseBits(network).length && address.startsWith(parseBits(network).slice(0, Number(prefix)))
  );
}

/** The address as text, uncompressed for IPv6: accepted everywhere, and independent of the formatter under test. */
export function formatBits(family: Family, bits: Bits): string {
  const [width, base, separator] = family === 'ipv4' ? [8, 10, '.'] : [16, 16, ':'];
  const fields = bits.match(new RegExp(`.{${width}}`, 'g')) ?? [];
  return fields.map((field) => Number.parseInt(field, 2).toString(base)).join(separator);
}
