import { AgentError } from '../../errors.ts';
import type { Listing } from './listing.ts';
import { baseChain, baseChainHead, counters, table } from './names.ts';
import type { Ruleset } from './ruleset.ts';

/** An object of the table: its kind as nft commands spell it, and its name. */
interface TableObject {
  readonly kind: string;
  readonly name: string;
}

/** Kind and name of an object. Names reach nft again when objects are deleted, so they must look like names. */
const objectKey =
  /^(?<kind>chain|set|map|counter|quota|limit|flowtable|synproxy|secmark|ct helper|ct timeout|ct expectation) (?<name>[\w./-]+)$/;

const ownCounters = new Set([...Object.values(counters.kept), ...Object.values(counters.masqueraded)]);

/** Everything in the table but the base chain and the counters, which every policy keeps. */
function objectsOf(listing: Listing): TableObject[] {
  return [...listing.keys()]
    .filter((key) => key !== 'table')
    .map(parseObjectKey)
    .filter(
      ({ kind, name }) => !(kind === 'chain' && name === baseChain) && !(kind === 'counter' && ownCounters.has(name)),
    );
}

function parseObjectKey(key: string): TableObject {
  const { kind, name } = objectKey.exec(key)?.groups ?? {};
  if (kind === undefined || name === undefined) {
    throw new AgentError(
      'READ_BACK_MISMATCH',
      `table ${table} holds ${JSON.stringify(key)}, which this agent can't remove`,
    );
  }
  return { kind, name };
}

/** Whether rules that packets can reach, those of the base chain, refer to the chain. */
export function isLive(listing: Listing, chain: string): boolean {
  return new RegExp(`\\b(?:jump|goto) ${chain}(?![\\w-])`).test(listing.get(`chain ${baseChain}`) ?? '');
}

/** The commands that remove all objects that the ruleset does not name, after it has become live. */
export function renderSweep(listing: Listing, ruleset: Ruleset): string {
  const current = namesOf(ruleset);
  return renderRemoval(objectsOf(listing).filter(({ name }) => !current.has(name)));
}

/**
 * The commands that remove objects of the ruleset's names that an interrupted run left behind. Only for a ruleset
 * that is not live.
 */
export function renderStaleRemoval(listing: Listing, ruleset: Ruleset): string {
  const wanted = namesOf(ruleset);
  return renderRemoval(objectsOf(listing).filter(({ name }) => wanted.has(name)));
}

/** The command that removes a base chain with another hook, priority or policy: the kernel can't change those in place. */
export function renderBaseChainRemoval(listing: Listing): string {
  const body = listing.get(`chain ${baseChain}`);
  return body === undefined || body.startsWith(baseChainHead) ? '' : `delete chain ${table} ${baseChain}\n`;
}

function namesOf({ sets, chains }: Ruleset): Set<string> {
  return new Set([...sets, ...chains].map(({ name }) => name));
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
