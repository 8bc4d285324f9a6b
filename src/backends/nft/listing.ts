import { excerpt } from '../../text.ts';

/** What a table holds, by kind and name as in `chain postrouting`, each body in one line with single spaces. */
export type Listing = ReadonlyMap<string, string>;

/** The key under which a listing keeps what stands in the table outside any object, such as `flags dormant`. */
const tableKey = 'table';

/**
 * Reads the text of `nft -s list table`, or text in that form that we rendered. Unknown objects are kept as they are,
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
      listing.set(key, normalised(body));
      key = tableKey;
    } else {
      (key === tableKey ? outside : body).push(content);
    }
  }
  if (outside.length > 0) listing.set(tableKey, normalised(outside));
  return listing;
}

/** nft names protocols only where the host has /etc/protocols, which slim images have not. */
function normalised(body: readonly string[]): string {
  return body.join(' ').replaceAll('{ 6, 17, 132 }', '{ tcp, udp, sctp }').replaceAll(/\s+/g, ' ').trim();
}

/** Says how the actual table differs from the expected one, in words; nothing where they are the same. */
export function compareListings(expected: Listing, actual: Listing): string[] {
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
