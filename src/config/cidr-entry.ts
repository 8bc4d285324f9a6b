import * as z from 'zod/mini';
import { type Cidr, cidrFault, formatAddress, parseAddress, parseCidr } from '../net/cidr.ts';
import { addressBits, type Family } from '../net/family.ts';
import { type Fault, oddText, severalCidrs } from './near-misses.ts';

/** For editors only: what has this form may still be wrong, as 10.0.0.300/8 is. */
const cidrForm = { pattern: '^[0-9A-Fa-f:.]+/[0-9]{1,3}$', examples: ['10.0.0.0/8', 'fd00::/8'] };

/** One entry of a list of CIDRs. An issue says what is wrong with the text, and as `expected` what was probably meant. */
export function cidrEntry(allowsIPv6: boolean) {
  return z.pipe(
    z.string().check(z.meta(cidrForm)),
    z.transform((text: string, { issues }): Cidr => {
      const cidr = parseCidr(text);
      if (cidr !== undefined && (allowsIPv6 || cidr.family === 'ipv4')) return cidr;
      const { message, expected } = cidr === undefined ? faultOf(text) : ipv6IsOff;
      issues.push({ code: 'custom', input: text, message, params: { expected } });
      return z.NEVER;
    }),
  );
}

const ipv6IsOff: Fault = {
  message: 'an IPv6 CIDR while IPv6 is off',
  expected: 'the flag --enable-ipv6, or no IPv6 CIDR',
};

/** What somebody may have written in place of CIDRs, the first that it is. */
const nearMisses: readonly ((text: string) => Fault | undefined)[] = [
  severalCidrs,
  addressRange,
  wildcard,
  netmask,
  oddText,
];

/** Of the longest text that is one of the near misses, twice over. */
const longestNearMiss = 10_000;

function faultOf(text: string): Fault {
  const nearMiss = text.length > longestNearMiss ? undefined : firstFault(text);
  return nearMiss ?? cidrFault(text);
}

function firstFault(text: string): Fault | undefined {
  for (const nearMiss of nearMisses) {
    const fault = nearMiss(text);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** `10.0.0.1-10.0.0.9`, or `10.0.0.1-9`. */
function addressRange(text: string): Fault | undefined {
  const [from = '', to = '', ...more] = text.split('-').map((part) => part.trim());
  const first = parseAddress(from);
  const last = parseAddress(/^\d{1,3}$/.test(to) ? from.replace(/\d+$/, to) : to);
  if (first === undefined || last === undefined || more.length > 0) return undefined;
  const message = 'a range of addresses';
  if (first.family !== last.family || first.value > last.value) {
    return { message: `${message} that ends before it begins`, expected: 'CIDRs' };
  }
  const cidrs = cover(first.family, first.value, last.value);
  const listed = cidrs.slice(0, mostCidrs).join(', ');
  const others = cidrs.length > mostCidrs ? ` and ${cidrs.length - mostCidrs} more` : '';
  return { message, expected: `the CIDRs that cover it: ${listed}${others}` };
}

/** As many as a message has room for. */
const mostCidrs = 8;

/** The fewest CIDRs that hold exactly the addresses of a range. */
function cover(family: Family, first: bigint, last: bigint): readonly string[] {
  const bits = addressBits[family];
  const cidrs: string[] = [];
  for (let start = first; start <= last; ) {
    let size = 0;
    // Twice as large while the start stays a network address and the end within the range.
    while (size < bits && start % (1n << BigInt(size + 1)) === 0n && start + (1n << BigInt(size + 1)) - 1n <= last) {
      size += 1;
    }
    cidrs.push(`${formatAddress(family, start)}/${bits - size}`);
    start += 1n << BigInt(size);
  }
  return cidrs;
}

/** `10.0.0.*`, `10.0.*.*` or `10.*`. */
function wildcard(text: string): Fault | undefined {
  const [, fixed = '', stars = ''] = /^((?:\d{1,3}\.){1,3})(\*(?:\.\*){0,2})$/.exec(text) ?? [];
  const octets = fixed.split('.').slice(0, -1);
  if (stars === '') return undefined;
  const cidr = parseCidr(`${[...octets, 0, 0, 0].slice(0, 4).join('.')}/${octets.length * 8}`);
  return cidr === undefined ? undefined : { message: 'a pattern instead of a CIDR', expected: cidr.text };
}

/** `10.0.0.0/255.0.0.0`. */
function netmask(text: string): Fault | undefined {
  const [network = '', mask = '', ...more] = text.split('/');
  const address = parseAddress(network);
  const bits = parseAddress(mask);
  if (address?.family !== 'ipv4' || bits?.family !== 'ipv4' || more.length > 0) return undefined;
  const [, ones = '', zeros = ''] = /^(1*)(0*)$/.exec(bits.value.toString(2).padStart(32, '0')) ?? [];
  const message = 'a netmask instead of a prefix length';
  if (ones.length + zeros.length !== 32) return { message: `${message}, with gaps`, expected: 'such as 10.0.0.0/8' };
  return { message, expected: `${formatAddress('ipv4', address.value & bits.value)}/${ones.length}` };
}
