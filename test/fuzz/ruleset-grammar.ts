import { expect } from 'vitest';
import { z } from 'zod';

/*
 * Every line that the agent may feed to nft -f or iptables-restore, written down a second time and stricter than the
 * tools are: whatever a program's output or a config says, nothing else may reach the kernel.
 */

const family = 'ipv[46]';
const suffix = '[0-9a-f]{12}(?:-spare(?:-2)?)?';
const table = 'inet ip-masq-agent(?:-probe)?';
const set = `(?:masquerade-sources|force-masquerade|keep-sources|keep-destinations)-${family}-${suffix}`;
const chain = `(?:ipv6|masquerade-${family})-${suffix}`;
const counter = `counter name "(?:kept|masqueraded)-${family}"`;
const address = '[0-9a-f:.]{2,45}';
const port = '\\d{1,5}(?:-\\d{1,5})?';
const baseChainHead = 'type nat hook postrouting priority srcnat \\+ 10; policy accept;';
const nftKind = '(?:chain|set|map|counter|quota|limit|flowtable|synproxy|secmark|ct helper|ct timeout|ct expectation)';

const rules = [
  'fib daddr type local return',
  `meta nfproto ipv6 goto ${chain}`,
  'ip6 daddr fe80::/10 oifname "lo" return',
  `(?:ip|ip6) daddr (?:169\\.254\\.0\\.0/16|fe80::/10) ${counter} return`,
  `(?:ip|ip6) [sd]addr (?:!= )?@${set} (?:${counter} (?:return|masquerade(?: fully-random)?)|goto ${chain})`,
  `goto ${chain}`,
  `${counter} (?:return|masquerade(?: fully-random)?)`,
  `meta l4proto \\{ tcp, udp, sctp \\} (?:numgen random mod \\d+ < \\d+ )?${counter} masquerade to :${port}(?: fully-random)?`,
];

const nftLines = [
  `table ${table} \\{`,
  '\\}',
  `counter (?:kept|masqueraded)-${family} \\{`,
  `set ${set} \\{`,
  'typeof (?:ip|ip6) [sd]addr',
  'flags interval',
  'elements = \\{',
  `${address}(?:/\\d{1,3}|-${address})?,?`,
  `chain ${chain} \\{`,
  ...rules,
  ...rules.map((rule) => `add rule ${table} postrouting ${rule}`),
  `add table ${table}`,
  `delete table ${table}`,
  `add chain ${table} postrouting \\{ ${baseChainHead} \\}`,
  `flush chain ${table} [\\w./-]+`,
  `delete ${nftKind} ${table} [\\w./-]+`,
].map((pattern) => new RegExp(`^\\t*${pattern}$`));

const ourChain = '[A-Za-z0-9_][A-Za-z0-9_-]{0,27}';
/** Ours and our helpers', also under a name that an earlier agent was given. */
const listedChain = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,27}';
const comment = '-m comment --comment "ip-masq-agent: [A-Za-z0-9 ()_-]+"';
const destination = `(?:-[sd] ${address}/\\d{1,3} )?`;
const protocol = '(?:-p (?:tcp|udp|sctp) )?';
const chance = '(?:-m statistic --mode random --probability [01]\\.\\d{11} )?';

const restoreLines = [
  '\\*nat',
  'COMMIT',
  `:${listedChain} - \\[0:0\\]`,
  `-A ${listedChain} ${destination}${comment} (?:-j RETURN|-g ${listedChain})`,
  `-A ${listedChain} ${protocol}${comment} ${chance}-j MASQUERADE(?: --to-ports ${port})?(?: --random-fully)?`,
  `-A POSTROUTING ${comment} -m addrtype ! --dst-type LOCAL -j ${ourChain}`,
  `-[FX] ${listedChain}`,
  // A rule is deleted in the words in which it was listed; it must at least be one of POSTROUTING, on one line.
  `-D POSTROUTING (?:[^\\0\\n]*[\\s"])?-[jg]\\s+"?${listedChain}"?(?:\\s[^\\0\\n]*)?`,
].map((pattern) => new RegExp(`^${pattern}$`));

/** What is removed in JSON: objects of our table, whatever they are called, and no rule or table. */
const ourObject = z.record(
  z.string().regex(new RegExp(`^${nftKind}$`)),
  z.strictObject({ family: z.literal('inet'), table: z.literal('ip-masq-agent'), name: z.string() }),
);
const nftRemovals = z.strictObject({
  nftables: z.array(z.union([z.strictObject({ flush: ourObject }), z.strictObject({ delete: ourObject })])),
});

/** Fails unless each line of a text for nft -f is one that the agent may write. */
export function expectNftGrammar(text: string): void {
  if (text.startsWith('{')) nftRemovals.parse(JSON.parse(text));
  else expectLines(text, nftLines);
}

/** The same for iptables-restore. */
export function expectRestoreGrammar(text: string): void {
  expectLines(text, restoreLines);
}

function expectLines(text: string, patterns: readonly RegExp[]): void {
  const strange = text.split('\n').filter((line) => line !== '' && !patterns.some((pattern) => pattern.test(line)));
  expect(strange).toEqual([]);
}
