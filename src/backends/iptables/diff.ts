import { isDeepStrictEqual } from 'node:util';
import { excerpt } from '../../text.ts';
import { type Chain, type DesiredChains, jumpRule } from './desired.ts';
import { comments, isChainName, postrouting } from './names.ts';
import { canonicalRule, type ListedRule, parseRule } from './rule-text.ts';

/** What the nat table of one family holds of ours. */
export interface NatState {
  /** The jumps of ours in POSTROUTING. */
  readonly jumps: Jumps;
  /** The chains that were looked for and are there, with their rules as listed. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
}

/** The rules in POSTROUTING that this agent, upstream or Azure's agent made for one chain. */
export interface Jumps {
  /** Exactly as they should be. One is right, more are too many. */
  readonly right: readonly ListedRule[];
  /** With the older form of the comment, or altered. */
  readonly wrong: readonly ListedRule[];
}

/** Finds the jumps to a chain by their comment, in either form. A jump with another comment belongs to somebody else. */
export function ownJumps(postroutingRules: readonly ListedRule[], chain: string): Jumps {
  const own = postroutingRules.filter((rule) => ownedChain(rule) === chain);
  const right = canonicalRule(parseRule(jumpRule(chain)));
  return {
    right: own.filter((rule) => canonicalRule(rule) === right),
    wrong: own.filter((rule) => canonicalRule(rule) !== right),
  };
}

/**
 * The chain that a rule in POSTROUTING shows to be ours: its target, where the comment is the one of upstream's jump
 * to this very chain, with or without the quotes of v2.10.0 to v2.12.0. Others use chains of the same names (GKE's
 * `IP-MASQ`) under other comments.
 */
export function ownedChain({ target, comment }: ListedRule): string | undefined {
  if (target === undefined || !isChainName(target)) return undefined;
  const own = comments.jump(target);
  return comment === own || comment === `"${own}"` ? target : undefined;
}

/** What differs between the kernel and the desired, each difference as a sentence; nothing where they agree. */
export function differences(desired: DesiredChains, state: NatState): readonly string[] {
  return [...jumpDifferences(desired, state), ...desired.chains.flatMap((chain) => chainDifferences(chain, state))];
}

function jumpDifferences({ chains: [main] }: DesiredChains, { jumps: { right, wrong } }: NatState): string[] {
  const name = main?.name ?? '';
  return [
    ...(right.length === 0 ? [`${postrouting} does not jump to ${name}`] : []),
    ...(right.length > 1 ? [`${postrouting} jumps to ${name} ${right.length} times`] : []),
    ...wrong.map(({ text }) => `old or altered jump: ${excerpt(text)}`),
  ];
}

/** Most rules that one kind of difference lists; 50,000 lines would help nobody. */
const maxListed = 5;

function chainDifferences({ name, rules }: Chain, { chains }: NatState): string[] {
  const listing = chains.get(name);
  if (!listing) return [`chain ${name} is missing`];
  // The same to the letter, as a rule: nothing needs to be parsed.
  if (isDeepStrictEqual(listing, rules)) return [];
  const wanted = rules.map(parseRule);
  const actual = listing.map(parseRule);
  const missing = surplus(wanted, actual);
  const foreign = surplus(actual, wanted);
  if (missing.length > 0 || foreign.length > 0) {
    return [...listed('missing rule', missing), ...listed('rule that is not ours', foreign)];
  }
  const inOrder = isDeepStrictEqual(wanted.map(canonicalRule), actual.map(canonicalRule));
  return inOrder ? [] : [`the rules of chain ${name} stand in another order`];
}

/** The rules of one list that the other list lacks, each as many times as it lacks it. */
function surplus(rules: readonly ListedRule[], others: readonly ListedRule[]): string[] {
  const unmatched = new Map<string, number>();
  for (const key of others.map(canonicalRule)) unmatched.set(key, (unmatched.get(key) ?? 0) + 1);
  return rules.flatMap((rule) => {
    const key = canonicalRule(rule);
    const left = unmatched.get(key) ?? 0;
    unmatched.set(key, left - 1);
    return left > 0 ? [] : [rule.text];
  });
}

function listed(kind: string, rules: readonly string[]): string[] {
  const more = rules.length - maxListed;
  return [
    ...rules.slice(0, maxListed).map((rule) => `${kind}: ${excerpt(rule)}`),
    ...(more > 0 ? [`${kind}: ${more} more`] : []),
  ];
}
