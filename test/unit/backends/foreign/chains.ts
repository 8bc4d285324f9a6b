import { catchesOf } from '../../../../src/backends/foreign/chain-walk.ts';
import { keptDestinations } from '../../../../src/backends/foreign/kept-destinations.ts';
import type { NatRule } from '../../../../src/backends/foreign/nat-rule.ts';
import type { Family } from '../../../../src/net/family.ts';
import type { Policy } from '../../../../src/policy/policy.ts';

/** The rules, of chains given as text, that would catch what the policy keeps. The walk starts at POSTROUTING. */
export async function caughtBy(
  chains: Readonly<Record<string, readonly string[]>>,
  parse: (rule: string) => NatRule | undefined,
  policy: Policy,
  family: Family = 'ipv4',
): Promise<readonly string[]> {
  const catches = await catchesOf('POSTROUTING', keptDestinations(policy[family]), family, async (chain) =>
    chains[chain]?.map(parse).filter((rule) => rule !== undefined),
  );
  return catches.map(({ rule }) => rule);
}
