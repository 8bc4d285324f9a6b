import * as z from 'zod/mini';
import { AgentError } from '../../errors.ts';
import { table } from './names.ts';

const [family, name] = table.split(' ');

interface JsonObject {
  readonly kind: string;
  readonly name: string;
}

/** `{"nftables": [{"set": {"name": …}}, …]}`: each object under its kind. Rules have no name and go with their chains. */
const jsonListing = z.object({
  nftables: z.array(z.record(z.string(), z.object({ name: z.optional(z.string()) }))),
});

function strangersIn(listing: string, keep: ReadonlySet<string>): readonly JsonObject[] {
  const parsed = jsonListing.safeParse(parseJson(listing));
  if (!parsed.success) throw new AgentError('TOOL_FAILED', `nft -j lists table ${table} in an unknown form`);
  return parsed.data.nftables.flatMap(Object.entries).flatMap(([kind, { name: object }]) => {
    if (object === undefined || kind === 'table' || keep.has(`${kind} ${object}`)) return [];
    return [{ kind, name: object }];
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The commands, each for one run of `nft -j`, that remove whatever a listing by `nft -j -t list table` holds, but for the
 * objects of these kinds and names. Throws AgentError TOOL_FAILED where the listing is in no form that is known.
 */
export function removalsAllBut(keep: ReadonlySet<string>, listing: string): readonly string[] {
  const removals = removalsOf(strangersIn(listing, keep));
  const runs = Math.ceil(removals.length / removalsPerRun);
  return Array.from({ length: runs }, (_, run) => {
    const nftables = removals.slice(run * removalsPerRun, (run + 1) * removalsPerRun);
    return JSON.stringify({ nftables });
  });
}

/** Names have up to 255 bytes, six characters each where they are escaped, and an argument up to 128 KiB. */
const removalsPerRun = 64;

/** Rules refer to everything else, maps to chains and counters: what refers goes before what is referred to. */
function removalsOf(strangers: readonly JsonObject[]): readonly object[] {
  const order = (kind: string): number => ['map', 'chain'].indexOf(kind) + 1 || 3;
  const command = (verb: 'flush' | 'delete', { kind, name: object }: JsonObject): object => ({
    [verb]: { [kind]: { family, table: name, name: object } },
  });
  return [
    ...strangers.filter(({ kind }) => kind === 'chain').map((chain) => command('flush', chain)),
    ...strangers
      .toSorted((one, other) => order(one.kind) - order(other.kind))
      .map((object) => command('delete', object)),
  ];
}
