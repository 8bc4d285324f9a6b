import type { Family } from '../../net/family.ts';

/** A chain of nft, as commands name it. */
export interface NftChain {
  /** Table family and name, as in `inet filter`. */
  readonly table: string;
  readonly name: string;
}

/** The names that may go into a command; nft takes others in quotes only, and nobody uses them. */
const plainName = /^[\w./-]+$/;

/** A chain where new connections leave the host; those of a lower priority have their turn first. */
export interface NftBaseChain extends NftChain {
  readonly priority: number;
}

/** `srcnat`, as nft calls the priority of the kernel's source NAT (NF_IP_PRI_NAT_SRC). */
export const srcnatPriority = 100;

/** The chains where new connections leave the host, in a listing by `nft list chains`. */
export function postroutingChains(listing: string): readonly NftBaseChain[] {
  const chains: NftBaseChain[] = [];
  let table = '';
  let name = '';
  for (const line of listing.split('\n').map((text) => text.trim())) {
    if (line.startsWith('table ')) table = '';
    table = /^table (\w+ [\w./-]+) \{$/.exec(line)?.[1] ?? table;
    name = /^chain (\S+) \{$/.exec(line)?.[1] ?? name;
    const priority = /^type nat hook postrouting priority ([^;]+);/.exec(line)?.[1];
    if (priority !== undefined && table !== '' && isPlainName(name))
      chains.push({ table, name, priority: priorityOf(priority) });
  }
  return chains;
}

/** How many chains each table has, in a listing by `nft list chains`. */
export function chainCounts(listing: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  let table = '';
  for (const line of listing.split('\n')) {
    table = /^table (\w+ \S+) \{$/.exec(line)?.[1] ?? table;
    if (/^\s+chain \S+ \{$/.test(line)) counts.set(table, (counts.get(table) ?? 0) + 1);
  }
  return counts;
}

/** `110`, `srcnat` or `srcnat + 10`; what is neither counts as earlier than everything. */
function priorityOf(text: string): number {
  const [, base, sign, offset = '0'] = /^(srcnat)?(?: ?([+-]) )?(-?\d+)?$/.exec(text) ?? [];
  if (base === undefined) return /^-?\d+$/.test(text) ? Number(text) : Number.NEGATIVE_INFINITY;
  return srcnatPriority + (sign === '-' ? -Number(offset) : Number(offset));
}

/** The rules in a listing by `nft list chain`, each on one line. */
export function rulesInChain(listing: string): readonly string[] {
  // Sets in braces are wrapped after a comma.
  const lines = listing.replaceAll(/,\n\s*/g, ', ').split('\n');
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '' && line !== '}' && !/^(?:(?:table|chain) .*\{$|type |comment "|policy )/.test(line));
}

/** The families that pass through a table. */
export function familiesOfTable(table: string): readonly Family[] {
  const [family] = table.split(' ');
  if (family === 'ip') return ['ipv4'];
  if (family === 'ip6') return ['ipv6'];
  return family === 'inet' ? ['ipv4', 'ipv6'] : [];
}

/** Whether a chain's name may go into a command. */
export function isPlainName(name: string): boolean {
  return plainName.test(name);
}
