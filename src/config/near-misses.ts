import { formatAddress, parseAddress, parseCidr } from '../net/cidr.ts';
import { parseDnsName } from '../net/dns-name.ts';
import { addressBits, type Family } from '../net/family.ts';

/** What is wrong with a text, and what was probably meant. */
export interface Fault {
  readonly message: string;
  readonly expected: string;
}

const oddities: readonly (readonly [RegExp, Fault])[] = [
  [/\{\{/, { message: 'a template that nothing has filled in', expected: 'the value itself' }],
  [/\$\{|\$\(/, { message: 'a variable that nothing has filled in', expected: 'the value itself' }],
  [
    /[\u2018-\u201f\u00ab\u00bb\u2039\u203a\u2032\u2033\uff02\uff07]/,
    { message: 'typographic quotes, which YAML takes for letters', expected: 'straight quotes or none' },
  ],
  [
    /[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/,
    { message: 'a no-break space or the like, which YAML takes for a letter', expected: 'plain spaces' },
  ],
  [/[\u200b\u2060\ufeff\u00ad]/, { message: 'a character that can not be seen', expected: 'the text without it' }],
];

/** What stands in a text that no config has: a template not filled in, typographic quotes, spaces that are none. */
export function oddText(text: string): Fault | undefined {
  return oddities.find(([pattern]) => pattern.test(text))?.[1];
}

/** `10.0.0.0/8,172.16.0.0/12`, `{10.0.0.0/8,172.16.0.0/12}`, `-10.0.0.0/8`, or dashes without a space over several lines. */
export function severalCidrs(text: string): Fault | undefined {
  const trimmed = text.trim();
  const [bracket = ''] = /^[{[]/.exec(trimmed) ?? [];
  const inner = trimmed.slice(bracket.length, /[}\]]$/.test(trimmed) ? -1 : undefined);
  const parts = inner.split(/[\s,;]+/).filter((part) => part !== '-');
  const cidrs = parts.map((part) => part.replace(/^-/, ''));
  if (cidrs.some((cidr) => parseCidr(cidr) === undefined)) return undefined;
  if (parts.some((part) => part.startsWith('-'))) {
    return { message: 'a dash begins an entry only with a space behind it', expected: `- ${cidrs.join(', - ')}` };
  }
  const expected = `[${cidrs.join(', ')}], or a dash and a line for each`;
  if (bracket === '{') return { message: 'a list in braces', expected };
  if (bracket === '[') return { message: 'a list in quotes', expected };
  return cidrs.length > 1 ? { message: `${cidrs.length} networks in one text`, expected } : undefined;
}

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

/** What was probably meant by a text that stands in place of a CIDR and is none; undefined for nothing known. */
export function nearMissOf(text: string): Fault | undefined {
  if (text.length > longestNearMiss) return undefined;
  for (const nearMiss of nearMisses) {
    const fault = nearMiss(text);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** What is nearly a DNS name; undefined for what is not. */
export function nameFault(text: string): Fault | undefined {
  if (text.length > longestNearMiss) return undefined;
  const dotless = text.replace(/\.$/, '');
  if (dotless !== text && parseDnsName(dotless)) return { message: 'a dot at the end of a name', expected: dotless };
  const [, host = ''] = /^(?:[a-z]+:\/\/)([^/:]+)/i.exec(text) ?? /^([^/:]+)(?::\d+)?(?:\/.*)?$/.exec(text) ?? [];
  if (host !== text && parseDnsName(host)) return { message: 'more than a name', expected: `the name alone: ${host}` };
  if (/^\*\./.test(text) && parseDnsName(text.slice(2))) {
    return { message: 'DNS does not tell which names match a pattern', expected: 'each name in an entry of its own' };
  }
  return undefined;
}

/** `10.0.0.1-10.0.0.9`, or `10.0.0.1-9`. */
function addressRange(text: string): Fault | undefined {
  if (text.length > longestRange) return undefined;
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

/** Two addresses in their longest form, and blanks. */
const longestRange = 100;

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
