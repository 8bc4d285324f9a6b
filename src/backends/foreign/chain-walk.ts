import type { Family } from '../../net/family.ts';
import { difference, type IpSet, intersection } from '../../net/ip-set.ts';
import { type NatRule, rewritesSource } from './nat-rule.ts';

/** A rule that rewrites sources of packets that ought to be kept. */
export interface Catch {
  readonly chain: string;
  readonly rule: string;
}

/** Reads the rules of a chain; undefined where there is no such chain, or where enough was read. */
export type ReadChain = (chain: string) => Promise<readonly NatRule[] | undefined>;

/**
 * Follows packets to these destinations through a chain and all that it calls, and gives the rules that would rewrite
 * their source. Where a rule has conditions that are not understood, it is taken to match where it rewrites and not
 * to match where it would spare a packet: what is not said to be harmless is told.
 */
export async function catchesOf(
  chain: string,
  destinations: IpSet,
  family: Family,
  readChain: ReadChain,
  visited: Set<string> = new Set(),
): Promise<readonly Catch[]> {
  visited.add(chain);
  const catches: Catch[] = [];
  let reaching = destinations;
  for (const rule of beforeMarkedOnly((await readChain(chain)) ?? [])) {
    const matching = rule.destinations ? intersection(reaching, rule.destinations) : reaching;
    if (matching.length === 0) continue;
    if (rewritesSource(rule)) catches.push({ chain, rule: rule.text });
    for (const called of rule.calls.filter((name) => !visited.has(name))) {
      catches.push(...(await catchesOf(called, matching, family, readChain, visited)));
    }
    if (spares(rule) && rule.understood && rule.sources === undefined)
      reaching = difference(reaching, matching, family);
  }
  return catches;
}

/** The rules that packets without a mark meet. Where those leave, the rest of the chain is for marked packets. */
function beforeMarkedOnly(rules: readonly NatRule[]): readonly NatRule[] {
  const end = rules.findIndex(
    (rule) =>
      spares(rule) &&
      rule.mark === 'unmarked' &&
      rule.understood &&
      rule.sources === undefined &&
      rule.destinations === undefined,
  );
  return rules.slice(0, end < 0 ? rules.length : end).filter(({ mark }) => mark !== 'marked');
}

function spares({ action }: NatRule): boolean {
  return action === 'leave' || action === 'accept';
}
