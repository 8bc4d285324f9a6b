/**
 * What only another agent of this kind leaves among the rules of ours, in the words of an observation's differences: in
 * the nft table sets and chains that are named by the hash of another content; in the iptables chain rules that carry the comments
 * of our rules and are not ours.
 */
const signs = [
  /^chain (?:policy|ipv4|ipv6|masquerade-ipv4|masquerade-ipv6)-[0-9a-f]{12}\b\S* is not ours/,
  /^set (?:masquerade-sources|force-masquerade|(?:keep|output)-(?:sources|destinations))-ipv[46]-[0-9a-f]{12}\b\S* is not ours/,
  /^(?:ipv[46]: )?rule that is not ours: .*--comment "?ip-masq-agent: /,
];

/**
 * The difference that shows another agent of this kind, with another config, at work; undefined where none does. Meant
 * for differences from rules that this process has put in place: before that, they may be its own, from an earlier run.
 */
export function signOfAnotherAgent(differences: readonly string[]): string | undefined {
  return differences.find((difference) => signs.some((sign) => sign.test(difference)));
}
