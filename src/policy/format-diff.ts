import { cidrOf, coveringCidrs, enclosingCidr, rangeOf } from '../net/cidr.ts';
import type { Family } from '../net/family.ts';
import { coveringNetworks, difference, type IpSet, type Network } from '../net/ip-set.ts';
import { type Outcome, type Settings, type Side, stepCount } from './decide.ts';
import type { Cause, Change, Flip, FlipSummary } from './diff.ts';
import { reasonOf, type VerdictReason } from './explain.ts';
import { familyNames, type Policy } from './policy.ts';

/** One of the two configs that are compared. */
export interface Compared {
  readonly policy: Policy;
  readonly settings: Settings;
}

/**
 * The JSON of `diff --output json`, in pieces, since 100,000 changes make 50 MB. `leftBehind`: how many live connections
 * the change concerns, where that is known. Ends with a newline.
 */
export function* diffJson(
  changes: readonly Change[],
  before: Compared,
  after: Compared,
  leftBehind?: number,
): Generator<string> {
  yield `{\n  "same": ${changes.length === 0},\n  "changes": [`;
  const sourcesOf = rememberingLast(cidrsJson);
  const destinationsOf = rememberingLast(cidrsJson);
  const beforeOf = rememberingLast((cause: Cause, family: Family) => causeJson(cause, family, before));
  const afterOf = rememberingLast((cause: Cause, family: Family) => causeJson(cause, family, after));
  for (const [index, { family, sources, destinations, ...causes }] of changes.entries()) {
    const members = [
      `"family":"${family}"`,
      `"sources":${sourcesOf(sources, family)}`,
      `"destinations":${destinationsOf(destinations, family)}`,
      `"before":${beforeOf(causes.before, family)}`,
      `"after":${afterOf(causes.after, family)}`,
    ];
    yield `${index === 0 ? '' : ','}\n    {${members.join()}}`;
  }
  const connections = leftBehind === undefined ? null : { otherwise: leftBehind };
  yield `${changes.length === 0 ? '' : '\n  '}],\n  "connections": ${JSON.stringify(connections)}\n}\n`;
}

/** Where one list has changed, neighbouring changes have all but an entry of that list in common. */
function rememberingLast<Key extends object>(
  textOf: (key: Key, family: Family) => string,
): (key: Key, family: Family) => string {
  let last: { readonly key: Key; readonly family: Family; readonly text: string } | undefined;
  return (key, family) => {
    if (last?.key !== key || last.family !== family) last = { key, family, text: textOf(key, family) };
    return last.text;
  };
}

function cidrsJson(set: IpSet, family: Family): string {
  return JSON.stringify(coveringCidrs(set, family).map((cidr) => cidr.text));
}

function causeJson(cause: Cause, family: Family, compared: Compared): string {
  const { verdict, address, step, reason, entry, source } = causeOf(cause, family, compared);
  return JSON.stringify({ verdict, address, step, reason, entry, source });
}

function causeOf({ outcome, step, output, entry, entries }: Cause, family: Family, compared: Compared): VerdictReason {
  const decider = { ...outcome, step, output, entry: entry ?? entries?.[0] };
  const cause = reasonOf(decider, compared.policy[family], compared.settings);
  // A list of one entry, such as that of the link-local networks, is that entry.
  if (entries === undefined || entries.length === 1) return cause;
  return { ...cause, reason: `${cause.reason}, by one of its ${entries.length} entries`, entry: null };
}

/** More than this nobody reads in ten seconds. */
const shownChanges = 10;

/** The same as text for people: what flips, from where, to where, and which lines make it so. Ends with a newline. */
export function formatDiff(changes: readonly Change[], before: Compared, after: Compared): string {
  if (changes.length === 0) return 'Nothing changes: every connection is judged as before.\n';
  const blocks = changes
    .slice(0, shownChanges)
    .map((change) =>
      [
        `${describeChange(change)}\n`,
        `  before  ${describeCause(change.before, change.family, before)}\n`,
        `  after   ${describeCause(change.after, change.family, after)}\n`,
      ].join(''),
    );
  const more = changes.length - blocks.length;
  const count = changes.length === 1 ? '1 range is' : `${changes.length} ranges are`;
  return [
    `${count} judged otherwise${more > 0 ? '; the largest:' : ':'}\n`,
    ...blocks,
    ...(more > 0 ? [`and ${more} more: --output json has them all\n`] : []),
  ].join('\n');
}

/** A log line has room for a few. */
const shownFlips = 5;

/** What a change flipped, for a log line: the largest sets of connections, and how many more there are. */
export function describeFlips({ flips }: FlipSummary): readonly string[] {
  if (flips.length === 0) return ['none'];
  const more = flips.length - shownFlips;
  return [...flips.slice(0, shownFlips).map(describeChange), ...(more > 0 ? [`and ${more} more`] : [])];
}

/** `keep -> masquerade: IPv4, any source to 172.16.0.0/12`. */
function describeChange({ family, sources, destinations, before, after }: Change | Flip): string {
  const from = describeSet(sources, family, 'source');
  const to = describeSet(destinations, family, 'destination');
  return `${describeOutcome(before.outcome)} -> ${describeOutcome(after.outcome)}: ${familyNames[family]}, ${from} to ${to}`;
}

function describeOutcome({ verdict, address }: Outcome): string {
  return address === null ? verdict : `${verdict} as ${address}`;
}

function describeCause(cause: Cause, family: Family, compared: Compared): string {
  const { step, reason, entry, source } = causeOf(cause, family, compared);
  const where = [entry, source].filter((part) => part !== null).join(', ');
  return `${reason} (step ${step} of ${stepCount}; ${where})`;
}

/** More networks than this make a line that nobody reads. */
const shownNetworks = 4;

/** The largest networks of a set; or the one around them and what is missing in it, where that is less to say. */
function describeSet(set: IpSet, family: Family, side: Side): string {
  const around = enclosingCidr(set, family);
  const whole = around.prefix === 0 ? `any ${side}` : around.text;
  const gaps = coveringNetworks(difference([rangeOf(around)], set, family), family);
  if (gaps.length === 0) return whole;
  const networks = coveringNetworks(set, family);
  return gaps.length < networks.length ? `${whole} but ${listLargest(gaps, family)}` : listLargest(networks, family);
}

function listLargest(networks: readonly Network[], family: Family): string {
  const largest = networks.toSorted((a, b) => a.prefix - b.prefix).slice(0, shownNetworks);
  const more = networks.length - largest.length;
  return [...largest.map((one) => cidrOf(one, family).text), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}
