import { table } from '../../src/backends/nft/names.ts';
import type { FloodPlan } from './harness/flood/flood.ts';

/** One way in which another program may hurt the rules. */
export interface NftInjury {
  /** Whether it makes connections of `floodOfInjuries` be judged wrongly until it is repaired. */
  readonly harms: boolean;
  /** The script for nft, made from a listing of the table. */
  script(listing: string): string;
}

/** What `configOfInjuries` keeps and masquerades. */
export const floodOfInjuries: FloodPlan = { kept: ['10.99.0.0/16'], masqueraded: ['203.0.0.0/16'] };

/** The text of a config whose one list has so many CIDRs, two at least, no two of which nft can merge. */
export function configOfInjuries(cidrs: number): string {
  const fillers = Array.from({ length: cidrs - 1 }, (_, index) => `100.${64 + (index >> 8)}.${index & 255}.0/25`);
  return `cidrLimit: ${cidrs}\nnonMasqueradeCIDRs: [10.99.0.0/16, ${fillers.join(', ')}]\n`;
}

/** Each hurts rules made from `configOfInjuries`, in one transaction. */
const nftInjuries: Readonly<Record<string, NftInjury>> = {
  'flush ruleset': harmful(() => 'flush ruleset'),
  'table deleted': harmful(() => `delete table ${table}`),
  'table flushed': harmful(() => `flush table ${table}`),
  'table made dormant': harmful(() => `add table ${table} { flags dormant; }`),
  'base chain flushed': harmful(() => `flush chain ${table} postrouting`),
  'base chain deleted': harmful(() => `delete chain ${table} postrouting`),
  'base chain that drops': harmful(() => `add chain ${table} postrouting { policy drop; }`),
  'rule added before ours': harmful(() => `insert rule ${table} postrouting accept`),
  'last rule removed': harmful((listing) => withBaseRules(listing, (rules) => rules.slice(0, -1))),
  'rule added between ours': harmful((listing) => withBaseRules(listing, (rules) => rules.toSpliced(2, 0, 'return'))),
  'rules moved': harmful((listing) => withBaseRules(listing, (rules) => rules.toReversed())),
  'element removed': harmful((listing) => `delete element ${table} ${setOf(listing)} { 10.99.0.0/16 }`),
  'element added': harmful((listing) => `add element ${table} ${setOf(listing)} { 203.0.0.0/16 }`),
  'set flushed': harmful((listing) => `flush set ${table} ${setOf(listing)}`),

  'base chain flushed, our set in use elsewhere': harmful((listing) =>
    [
      `flush chain ${table} postrouting`,
      `add chain ${table} foreign`,
      `add rule ${table} foreign ip daddr @${setOf(listing)} return`,
    ].join('\n'),
  ),

  'element removed elsewhere': harmless((listing) => `delete element ${table} ${setOf(listing)} { 100.64.0.0/25 }`),
  'element added elsewhere': harmless((listing) => `add element ${table} ${setOf(listing)} { 192.0.2.0/24 }`),
  'rule added after ours': harmless(() => `add rule ${table} postrouting ip daddr 192.0.2.0/24 accept`),
  'rule added for others': harmless(() => `insert rule ${table} postrouting ip daddr 192.0.2.0/24 return`),
  'rule for others removed': harmless((listing) => withBaseRules(listing, ([, ...rules]) => rules)),
  'rules moved that may': harmless((listing) =>
    withBaseRules(listing, ([first = '', second = '', ...rules]) => [second, first, ...rules]),
  ),
  'rule doubled': harmless((listing) => withBaseRules(listing, (rules) => [...rules, ...rules.slice(-1)])),
  'chain renamed': harmless((listing) => `rename chain ${table} ${nameOf(listing, 'chain ipv6')} foreign`),
  'chain flushed': harmless((listing) => `flush chain ${table} ${nameOf(listing, 'chain ipv6')}`),
  'base chain renamed': harmless(() => `rename chain ${table} postrouting foreign`),
  'base chain replaced by another': harmless((listing) =>
    [
      `flush chain ${table} postrouting`,
      `add chain ${table} foreign { type nat hook postrouting priority 50; }`,
      ...baseRulesIn(listing).map((rule) => `add rule ${table} foreign ${rule}`),
    ].join('\n'),
  ),
  'chain added': harmless(() => `add chain ${table} foreign { type nat hook postrouting priority 0; }`),
  'set added': harmless(() => `add set ${table} foreign { type ipv4_addr; }`),
  'maps to a chain of ours and to a counter': harmless((listing) =>
    [
      `add map ${table} verdicts { type ipv4_addr : verdict; elements = { 192.0.2.1 : goto ${nameOf(listing, 'chain ipv6')} }; }`,
      `add counter ${table} foreign`,
      `add map ${table} counters { type ipv4_addr : counter; elements = { 192.0.2.1 : "foreign" }; }`,
    ].join('\n'),
  ),
  'map of the name of our chain, which refers to our set': harmless((listing) =>
    [
      `add chain ${table} foreign`,
      `add rule ${table} foreign ip daddr @${setOf(listing)} return`,
      `add map ${table} ${nameOf(listing, 'chain ipv6')} { type ipv4_addr : verdict; elements = { 192.0.2.1 : goto foreign }; }`,
    ].join('\n'),
  ),
  'counter added': harmless(() => `add counter ${table} foreign`),
};

/**
 * The injuries that do or do not harm the flood. Where lists are long each takes its time: a quarter of them then,
 * unless `INJURIES=all` is set.
 */
export function injuriesThat(harms: boolean, cidrs: number): readonly (readonly [name: string, NftInjury])[] {
  const every = cidrs > 1_000 && process.env['INJURIES'] !== 'all' ? 4 : 1;
  const chosen = Object.entries(nftInjuries).filter(([, injury]) => injury.harms === harms);
  return chosen.filter((_, index) => index % every === 0);
}

/** The objects of a listed table, in whatever order they were made. */
export function blocksOf(listing: string): string[] {
  return listing
    .split(/\n(?=\t\S)/)
    .map((block) => block.replaceAll(/\s+/g, ' ').trim())
    .sort();
}

function harmful(script: NftInjury['script']): NftInjury {
  return { harms: true, script };
}

function harmless(script: NftInjury['script']): NftInjury {
  return { harms: false, script };
}

function setOf(listing: string): string {
  return nameOf(listing, 'set keep-destinations-ipv4');
}

/** The full name of an object, which ends with the policy's hash. */
function nameOf(listing: string, start: string): string {
  const name = new RegExp(`^\t${start.replace(' ', ' (')}-\\w+)`, 'm').exec(listing)?.[1];
  if (name === undefined) throw new Error(`no ${start} in ${listing}`);
  return name;
}

/** The rules of the base chain, without its head. */
function baseRulesIn(listing: string): string[] {
  const body = /^\tchain postrouting \{\n(.*?)^\t\}/ms.exec(listing)?.[1] ?? '';
  const [, ...rules] = body.trimEnd().split('\n');
  return rules.map((rule) => rule.trim());
}

/** The script that gives the base chain other rules, made of those that it has. */
function withBaseRules(listing: string, change: (rules: readonly string[]) => readonly string[]): string {
  const rules = change(baseRulesIn(listing));
  return [`flush chain ${table} postrouting`, ...rules.map((rule) => `add rule ${table} postrouting ${rule}`)].join(
    '\n',
  );
}
