import { type DesiredTable, referencesIn, withSpareNames } from './desired.ts';
import { type ActualTable, type Listing, listingOf, tableKey } from './listing.ts';
import { baseChain, baseChainHead, table } from './names.ts';
import { baseChainBody, counterNames, renderFill, renderSwitch } from './render.ts';

/** One way from what the table holds to what it should hold: scripts for nft, one after the other; empty ones are left out. */
export interface Plan {
  /** Fills what the policy needs and the table lacks, where no live rule refers to it. */
  readonly fill: string;
  /** Makes the policy the live one, rules only. */
  readonly switch: string;
  /** Removes what is no longer referred to. */
  readonly sweep: string;
  /** Whether the table also holds objects whose names nft's text can't express; they are to go as well. */
  readonly needsRemovalInJson: boolean;
  /** Kind and name of all objects that stay, as in `set keep-sources-ipv4-…`. */
  readonly keep: ReadonlySet<string>;
  /** Whether the table then holds what it should under the usual names; else another plan is to follow. */
  readonly isFinal: boolean;
}

/**
 * Plans the way from the actual to the desired table. What is whole is used as it is, above all long sets. What is
 * damaged and in use can't be mended in place without a moment of neither old nor new: another of the same content is
 * filled under a spare name. Pure.
 */
export function plan(desired: DesiredTable, actual: ActualTable): Plan {
  const { listing } = actual;
  const wanted = listingOf(desired, actual);
  const isWhole = (key: string): boolean => wanted.get(key) === listing.get(key);
  const whole = new Set(keysOf(desired).filter(isWhole));
  const inUse = namesInUse(listing, desired);
  const target = withSpareNames(desired, (key, name) => inUse.has(name) && !whole.has(key), inUse);

  const lacking = {
    sets: target.sets.filter(({ name }) => !whole.has(`set ${name}`)),
    chains: target.chains.filter(({ name, rules }) => listing.get(`chain ${name}`) !== rules.join(' ')),
  };
  const hasCounters = counterNames.every((name) => listing.has(`counter ${name}`));
  const isFilled = keysOf(lacking).length === 0 && hasCounters;
  // What stands in the table itself are its flags, such as dormant; the switch declares it anew, without any.
  const isSwitched = listing.get(`chain ${baseChain}`) === baseChainBody(target).join(' ') && !listing.has(tableKey);

  const { objects, needsRemovalInJson } = objectsIn(listing);
  const keep = new Set([...keysOf(target), ...counterNames.map((name) => `counter ${name}`), `chain ${baseChain}`]);
  const stale = new Set(keysOf(lacking));
  return {
    fill: isFilled ? '' : renderRemoval(objects.filter((object) => stale.has(keyOf(object)))) + renderFill(lacking),
    switch: isSwitched ? '' : renderBaseChainRemoval(listing) + renderSwitch(target),
    sweep: renderRemoval(objects.filter((object) => !keep.has(keyOf(object)))),
    needsRemovalInJson,
    keep,
    isFinal: keysOf(target).join() === keysOf(desired).join(),
  };
}

/** The keys of sets and chains in a listing. */
function keysOf({ sets, chains }: Pick<DesiredTable, 'sets' | 'chains'>): string[] {
  return [...sets.map(({ name }) => `set ${name}`), ...chains.map(({ name }) => `chain ${name}`)];
}

/**
 * The names that anything but the desired objects refers to, and what those refer to in turn: what can neither be
 * removed nor filled anew. The base chain, an older policy, and chains and maps that somebody added count.
 */
function namesInUse(listing: Listing, { sets, chains }: DesiredTable): ReadonlySet<string> {
  const desired = new Set([...sets, ...chains].map(({ name }) => name));
  // A chain and a map may have one name.
  const objects = Map.groupBy(listing, ([key]) => key.split(' ').at(-1) ?? '');
  const inUse = new Set<string>();
  const follow = [...objects.keys()].filter((name) => !desired.has(name));
  for (let name = follow.pop(); name !== undefined; name = follow.pop()) {
    const bodies = (objects.get(name) ?? []).map(([, body]) => body);
    for (const reference of referencesIn(bodies.join(' '))) {
      if (inUse.has(reference)) continue;
      inUse.add(reference);
      follow.push(reference);
    }
  }
  return inUse;
}

/** An object of the table: its kind as nft commands spell it, and its name. */
interface TableObject {
  readonly kind: string;
  readonly name: string;
}

function keyOf({ kind, name }: TableObject): string {
  return `${kind} ${name}`;
}

/** Kind and name of an object, where the name can be written in a script. */
const objectKey =
  /^(?<kind>chain|set|map|counter|quota|limit|flowtable|synproxy|secmark|ct helper|ct timeout|ct expectation) (?<name>[\w./-]+)$/;

/** What nft lists of the table itself; anything else there is the rest of a name with line breaks. */
const tableTraits = /^(?:flags .*)?$/;

function objectsIn(listing: Listing): {
  readonly objects: readonly TableObject[];
  readonly needsRemovalInJson: boolean;
} {
  const objects: TableObject[] = [];
  let needsRemovalInJson = !tableTraits.test(listing.get(tableKey) ?? '');
  for (const key of listing.keys()) {
    if (key === tableKey) continue;
    const { kind, name } = objectKey.exec(key)?.groups ?? {};
    if (kind === undefined || name === undefined) needsRemovalInJson = true;
    else objects.push({ kind, name });
  }
  return { objects, needsRemovalInJson };
}

/** The command that removes a base chain with another hook, priority or policy: the kernel can't change those in place. */
function renderBaseChainRemoval(listing: Listing): string {
  const body = listing.get(`chain ${baseChain}`);
  return body === undefined || body.startsWith(baseChainHead) ? '' : `delete chain ${table} ${baseChain}\n`;
}

/** Rules refer to everything else, maps to chains and counters: what refers goes before what is referred to. */
function renderRemoval(objects: readonly TableObject[]): string {
  const chains = objects.filter(({ kind }) => kind === 'chain');
  const maps = objects.filter(({ kind }) => kind === 'map');
  const others = objects.filter(({ kind }) => kind !== 'chain' && kind !== 'map');
  return [
    ...chains.map(({ name }) => `flush chain ${table} ${name}\n`),
    ...[...maps, ...chains, ...others].map(({ kind, name }) => `delete ${kind} ${table} ${name}\n`),
  ].join('');
}
