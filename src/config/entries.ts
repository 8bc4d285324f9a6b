// Not all of zod, which takes 4 MB of memory more.
import * as z from 'zod/mini';
import { type Cidr, cidrFault, parseCidr } from '../net/cidr.ts';
import { type DnsName, dnsNamePattern, parseDnsName } from '../net/dns-name.ts';
import { addressBits } from '../net/family.ts';
import { type Fault, nameFault, nearMissOf } from './near-misses.ts';

/** For editors only: what has this form may still be wrong, as 10.0.0.300/8 is. */
const cidrForm = { pattern: '^[0-9A-Fa-f:.]+/[0-9]{1,3}$', examples: ['10.0.0.0/8', 'fd00::/8'] };

/** For editors only, too. */
const destinationForm = {
  pattern: `${cidrForm.pattern}|^${dnsNamePattern}$`,
  examples: [...cidrForm.examples, 'registry.example.com'],
};

/** One entry of a list of CIDRs. An issue says what is wrong with the text, and as `expected` what was probably meant. */
export function cidrEntry(allowsIPv6: boolean) {
  return z.pipe(
    z.string().check(z.meta(cidrForm)),
    z.transform((text: string, { issues }): Cidr => {
      const cidr = parseCidr(text);
      if (cidr !== undefined && (allowsIPv6 || cidr.family === 'ipv4')) return cidr;
      const isMisplaced = cidr === undefined && parseDnsName(text) !== undefined;
      const { message, expected } = isMisplaced ? nameOfSource : entryFault(text, cidr);
      issues.push({ code: 'custom', input: text, message, params: { expected } });
      return z.NEVER;
    }),
  );
}

/** One entry of a list of destinations, where a name may stand too; issues as those of `cidrEntry`. */
export function destinationEntry(allowsIPv6: boolean, allowsNames: boolean) {
  return z.pipe(
    z.string().check(z.meta(destinationForm)),
    z.transform((text: string, { issues }): Cidr | DnsName => {
      const cidr = parseCidr(text);
      if (cidr !== undefined && (allowsIPv6 || cidr.family === 'ipv4')) return cidr;
      const name = cidr === undefined ? parseDnsName(text) : undefined;
      if (name !== undefined && allowsNames) return name;
      const { message, expected } = name === undefined ? entryFault(text, cidr) : namesAreOff;
      issues.push({ code: 'custom', input: text, message, params: { expected } });
      return z.NEVER;
    }),
  );
}

function entryFault(text: string, cidr: Cidr | undefined): Fault {
  return cidr === undefined ? (nearMissOf(text) ?? nameFault(text) ?? cidrFault(text)) : ipv6IsOff;
}

const nameOfSource: Fault = {
  message: 'a DNS name in a list of sources',
  expected: 'a CIDR: names stand for destinations only',
};

const namesAreOff: Fault = {
  message: 'a DNS name, while the flag --allow-names is false',
  expected: 'a CIDR such as 10.0.0.0/8',
};

/** An address of the node, or a network in which the node has one. */
export interface OutputText {
  readonly cidr: Cidr;
  /** Whether it was written as a network, in which the node's own address is looked for. */
  readonly isNetwork: boolean;
}

const outputForm = { examples: ['192.0.2.10', '192.0.2.0/24', '2001:db8::10'] };

/** What `outputAddress` and the `address` of an entry of `outputAddresses` may be. */
export function outputAddress(allowsIPv6: boolean) {
  return z.pipe(
    z.string().check(z.meta(outputForm)),
    z.transform((text: string, { issues }): OutputText => {
      const isNetwork = text.includes('/');
      const family = text.includes(':') ? 'ipv6' : 'ipv4';
      const cidr = parseCidr(isNetwork ? text : `${text}/${addressBits[family]}`);
      if (cidr !== undefined && (allowsIPv6 || cidr.family === 'ipv4')) return { cidr, isNetwork };
      const fault = cidr === undefined ? { message: 'not an address', expected: validOutput } : ipv6IsOff;
      issues.push({ code: 'custom', input: text, message: fault.message, params: { expected: fault.expected } });
      return z.NEVER;
    }),
  );
}

/** What may stand there, in the words of an error message. */
export const validOutput =
  'one address of the node such as 192.0.2.10, or a CIDR in which each node has one of its own';

const ipv6IsOff: Fault = {
  message: 'an IPv6 CIDR while IPv6 is off',
  expected: 'the flag --enable-ipv6, or no IPv6 CIDR',
};
