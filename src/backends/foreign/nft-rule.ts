import { parseAddress, parseCidr, rangeOf } from '../../net/cidr.ts';
import type { Family } from '../../net/family.ts';
import { type AddressRange, complement, type IpSet, ipSet } from '../../net/ip-set.ts';
import type { NatRule } from './nat-rule.ts';

/** The `ip saddr` or `ip6 saddr` of a rule: its negation and its network, or set in braces. */
const sourceMatch: Readonly<Record<Family, RegExp>> = {
  ipv4: /\bip saddr (!= )?(\{[^}]*\}|\S+)/,
  ipv6: /\bip6 saddr (!= )?(\{[^}]*\}|\S+)/,
};
/** The same for destinations. */
const destinationMatch: Readonly<Record<Family, RegExp>> = {
  ipv4: /\bip daddr (!= )?(\{[^}]*\}|\S+)/,
  ipv6: /\bip6 daddr (!= )?(\{[^}]*\}|\S+)/,
};
/** What makes a rule of an inet table one of the other family. */
const otherFamily: Readonly<Record<Family, RegExp>> = {
  ipv4: /\bip6 [sd]addr|\bnfproto ipv6/,
  ipv6: /\bip [sd]addr|\bnfproto ipv4/,
};
const markMatch = /\b(?:meta|ct) mark (?:& \S+ )?(==|!=)? ?(0x[0-9a-f]+)/;

/** Reads a rule of an `nft list chain` listing as packets of one family meet it; undefined where they never do. */
export function natRuleOfNft(text: string, family: Family): NatRule | undefined {
  // What stands in quotes may look like anything.
  const bare = text.replaceAll(/ comment "[^"]*"/g, '').replaceAll(/"[^"]*"/g, '""');
  if (otherFamily[family].test(bare)) return undefined;
  const sources = addressesIn(bare, sourceMatch[family], family);
  const destinations = addressesIn(bare, destinationMatch[family], family);
  const calls = [...bare.matchAll(/\b(?:jump|goto) ([^\s,}]+)/g)].map(([, chain = '']) => chain);
  const conditions = bare
    .replace(sources ? sourceMatch[family] : '', '')
    .replace(destinations ? destinationMatch[family] : '', '')
    .replace(markMatch, '')
    .replace(/\bcounter(?: packets \d+ bytes \d+)?/, '')
    .trim();
  return {
    text,
    action: actionOf(bare, calls),
    calls,
    sources,
    destinations,
    mark: markOf(bare),
    understood: /^(?:return|accept|drop|masquerade|snat|goto|jump)\b/.test(conditions),
  };
}

function actionOf(bare: string, calls: readonly string[]): NatRule['action'] {
  if (opaque.test(bare.replace(dispatching, ''))) return 'unknown';
  if (calls.length > 0) return 'call';
  if (/\bmasquerade\b/.test(bare)) return 'masquerade';
  if (/\bsnat\b/.test(bare)) return 'snat';
  if (/\baccept$/.test(bare)) return 'accept';
  return /\b(?:return|drop)$/.test(bare) ? 'leave' : 'other';
}

/** A verdict map that is written out and does nothing but to choose a chain. */
const dispatching = /\bvmap \{(?: [^,{}]+ : (?:jump|goto) [^\s,{}]+,?)+ \}/;
/** Verdicts that stand elsewhere, what only iptables can read, and other programs' decisions. */
const opaque = /\b(?:vmap|xt|queue)\b/;

/** The addresses that a rule names; undefined where it names none, or in a way that is not read. */
function addressesIn(rule: string, pattern: RegExp, family: Family): IpSet | undefined {
  const [, negation, text] = pattern.exec(rule) ?? [];
  return text === undefined ? undefined : addressesOf(text, negation !== undefined, family);
}

function addressesOf(text: string, negated: boolean, family: Family): IpSet | undefined {
  const ranges = text
    .replaceAll(/[{}]/g, '')
    .split(',')
    .map((element) => rangeOfElement(element.trim()));
  if (!ranges.every((range) => range !== undefined)) return undefined;
  const addresses = ipSet(ranges);
  return negated ? complement(addresses, family) : addresses;
}

/** `10.0.0.0/8`, `10.0.0.1-10.0.0.9` or `10.0.0.1`; a named set is not read. */
function rangeOfElement(text: string): AddressRange | undefined {
  const cidr = parseCidr(text);
  if (cidr) return rangeOf(cidr);
  const [from = '', to = from] = text.split('-');
  const first = parseAddress(from);
  const last = parseAddress(to);
  return first && last && { first: first.value, last: last.value };
}

function markOf(bare: string): NatRule['mark'] {
  const match = markMatch.exec(bare);
  if (!match) return undefined;
  const isZero = Number(match[2]) === 0;
  return isZero === (match[1] === '!=') ? 'marked' : 'unmarked';
}
