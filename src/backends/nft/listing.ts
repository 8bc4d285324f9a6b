import { excerpt } from '../../text.ts';
import type { DesiredTable } from './desired.ts';
import { baseChain } from './names.ts';
import { baseChainBody, counterNames, setHead } from './render.ts';

/** What a table holds, by kind and name as in `chain postrouting`, each body in one line with single spaces. */
export type Listing = ReadonlyMap<string, string>;

/** The key under which a listing keeps what stands in the table outside any object, such as `flags dormant`. */
export const tableKey = 'table';

/** The table as the kernel was read to hold it. */
export class ActualTable {
  readonly exists: boolean;
  readonly listing: Listing;
  /** A terse listing has no elements: a set of the right name and field is taken for right. */
  readonly isTerse: boolean;
  /** The program that owns the table (`flags owner`), so that nobody else may change it. */
  readonly owner: string | undefined;

  constructor(listing: Listing, { exists = true, isTerse = false, owner }: ActualTableTraits = {}) {
    this.exists = exists;
    this.listing = listing;
    this.isTerse = isTerse;
    this.owner = owner;
  }
}

type ActualTableTraits = Partial<Pick<ActualTable, 'exists' | 'isTerse'>> & { owner?: string | undefined };

/** What is read where there is no table. */
export const absentTable = new ActualTable(new Map(), { exists: false });

/** The listing that a desired table should have. */
export function listingOf(desired: DesiredTable, { isTerse }: Pick<ActualTable, 'isTerse'>): Listing {
  const elementsOf = (elements: readonly string[]): string => (isTerse ? '' : ` elements = { ${elements.join(', ')} }`);
  return new Map([
    ...counterNames.map((name) => [`counter ${name}`, ''] as const),
    ...desired.sets.map((set) => [`set ${set.name}`, setHead(set).join(' ') + elementsOf(set.elements)] as const),
    ...desired.chains.map(({ name, rules }) => [`chain ${name}`, rules.join(' ')] as const),
    [`chain ${baseChain}`, baseChainBody(desired).join(' ')],
  ]);
}

/**
 * Reads the text of `nft -s list table`. Unknown objects are kept as they are,
 * so that whatever somebody adds to the table shows up as a difference.
 */
export function parseListing(text: string): Listing {
  const listing = new Map<string, string>();
  const outside: string[] = [];
  let key = tableKey;
  let body: string[] = [];
  for (const line of text.split('\n')) {
    const depth = line.length - line.trimStart().length;
    const content = line.trim();
    if (content === '' || depth === 0) continue;
    if (depth === 1 && content.endsWith('{')) {
      key = content.slice(0, -1).trim();
      body = [];
    } else if (depth === 1 && content === '}') {
      listing.set(key, bodyOf(key, body));
      key = tableKey;
    } else {
      (key === tableKey ? outside : body).push(content);
    }
  }
  const traits = bodyOf(tableKey, outside);
  if (traits !== '') listing.set(tableKey, traits);
  return listing;
}

/** In one line, spelled the same by every nft, without comments that decide nothing and that only a new table could lose. */
function bodyOf(key: string, lines: readonly string[]): string {
  const mayHaveComment = key === tableKey || key.startsWith('counter ');
  const body = mayHaveComment ? lines.filter((line) => !/^comment ".*"$/.test(line)) : lines;
  // nft names protocols only where the host has /etc/protocols, which slim images have not.
  return body.join(' ').replaceAll('{ 6, 17, 132 }', '{ tcp, udp, sctp }').replaceAll(/\s+/g, ' ').trim();
}

/** Says how the actual table differs from the expected one, in words; nothing where they are the same. */
export function diffListings(expected: Listing, actual: Listing): string[] {
  const differences: string[] = [];
  for (const [key, body] of expected) {
    const found = actual.get(key);
    if (found === undefined) differences.push(`${key} is missing`);
    else if (found !== body) differences.push(`${key} was changed: ${firstDifference(body, found)}`);
  }
  for (const [key, body] of actual) {
    if (expected.has(key)) continue;
    differences.push(key === tableKey ? `the table has ${excerpt(body)}` : `${excerpt(key)} is not ours`);
  }
  return differences;
}

/** Characters shown of either side. */
const excerptLength = 60;

function firstDifference(expected: string, actual: string): string {
  let index = 0;
  while (index < expected.length && expected[index] === actual[index]) index++;
  const start = Math.max(0, expected.lastIndexOf(' ', index - 1) + 1);
  const quote = (text: string): string => JSON.stringify(text.slice(start, start + excerptLength));
  return `${quote(actual)} instead of ${quote(expected)}`;
}
