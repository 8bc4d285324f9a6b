/** A DNS name that stands for the addresses it has. */
export interface DnsName {
  readonly isName: true;
  /** In lower case: to DNS, letter case means nothing (RFC 4343). */
  readonly text: string;
}

/** The longest name that fits into a question, without the dot of the root (RFC 1035, section 2.3.4). */
const longestName = 253;

/** A label: 1 to 63 letters, digits, hyphens and, as SRV and the like have them, underscores; no hyphen at an end. */
const label = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?';
const lastLabel = '[A-Za-z][A-Za-z0-9_-]{0,61}[A-Za-z0-9_]';

/** Two labels at least, the last of which is no number. For editors, in a form that Go's regexp has, too. */
export const dnsNamePattern = `(?:${label}\\.)+${lastLabel}`;

const isDnsName = new RegExp(`^${dnsNamePattern}$`);
/** The first two labels of an address. */
const looksLikeAddress = /^\d+\.\d+\./;

/** Reads a DNS name. Undefined for what is none, and for what may be an address gone wrong, such as 10.0.0.x. */
export function parseDnsName(text: string): DnsName | undefined {
  if (text.length > longestName || !isDnsName.test(text) || looksLikeAddress.test(text)) return undefined;
  return { isName: true, text: text.toLowerCase() };
}

/** Tells the names in a list from its CIDRs. */
export function isName<Other extends object>(entry: DnsName | Other): entry is DnsName {
  return 'isName' in entry;
}
