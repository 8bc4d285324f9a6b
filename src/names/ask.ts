import { Resolver } from 'node:dns/promises';
import { parseAddress } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import type { Answer } from './name-state.ts';

/** Asks DNS for the addresses of a name in these families. Never rejects. */
export type AskDns = (name: string, families: readonly Family[]) => Promise<Answer>;

export interface DnsOptions {
  /** `address` or `address:port` of the servers; those of /etc/resolv.conf, read anew for each question, by default. */
  readonly servers?: readonly string[];
  /** Milliseconds for a server's first answer. */
  readonly timeoutMs?: number;
}

/** The domain is there without such records, or is not there: answers both (RFC 2308). */
const negative = new Set(['ENODATA', 'ENOTFOUND']);

/**
 * DNS by the servers of the host, without its hosts file and search domains: the name is taken as it is, CNAMEs are
 * followed. Where one family fails and the other does not, nothing is known.
 */
export function createDns({ servers, timeoutMs = 2_000 }: DnsOptions = {}): AskDns {
  return async (name, families) => {
    const resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
    if (servers) resolver.setServers([...servers]);
    try {
      const answers = await Promise.all(families.map((family) => askFor(resolver, name, family)));
      return { addresses: answers.flat() };
    } catch (error) {
      return { failure: error instanceof Error ? error.message : String(error) };
    }
  };
}

async function askFor(resolver: Resolver, name: string, family: Family) {
  try {
    const records = await (family === 'ipv4'
      ? resolver.resolve4(name, { ttl: true })
      : resolver.resolve6(name, { ttl: true }));
    return records.flatMap(({ address, ttl }) => {
      const parsed = parseAddress(address);
      // No packet goes to an IPv4-mapped address (RFC 4291, section 2.5.5.2).
      return parsed?.family === family && (family === 'ipv4' || parsed.value >> 32n !== 0xffffn)
        ? [{ ...parsed, ttlSeconds: ttl }]
        : [];
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && negative.has(String(error.code))) return [];
    throw error;
  }
}
