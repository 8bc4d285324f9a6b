import type { BackendName } from '../../../src/backends/backend.ts';
import type { Flavour } from '../../../src/backends/iptables/names.ts';
import { iptablesDamages } from '../iptables-damages.ts';

/** One command that somebody else runs on the node. */
export interface ForeignCommand {
  readonly command: readonly [tool: string, ...args: string[]];
  /** For nft: a script, made from a listing of the table. */
  readonly script?: (listing: string) => string;
}

/** Something that another program does to the rules. */
export interface Injury {
  /** Whether connections of the flood may be judged wrongly until it is repaired. The others must go unnoticed. */
  readonly wounds: boolean;
  readonly commands: readonly ForeignCommand[];
}

const table = 'inet ip-masq-agent';
/** Neither the flood nor any policy knows it. */
const nobody = '198.18.0.0/15';

const flushRuleset: Injury = { wounds: true, commands: [{ command: ['nft', 'flush', 'ruleset'] }] };

function nftScript(wounds: boolean, script: (listing: string) => string): Injury {
  return { wounds, commands: [{ command: ['nft', '-f', '-'], script }] };
}

/** The full name of an object, which ends with the policy's hash; a name that nothing has where there is none. */
function nameOf(listing: string, start: string): string {
  return new RegExp(`^\t${start.replace(' ', ' (')}-\\w+)`, 'm').exec(listing)?.[1] ?? 'absent';
}

const nftInjuries: Readonly<Record<string, Injury>> = {
  'flush ruleset': flushRuleset,
  'table deleted': nftScript(true, () => `delete table ${table}`),
  'table flushed': nftScript(true, () => `flush table ${table}`),
  'table made dormant': nftScript(true, () => `add table ${table} { flags dormant; }`),
  'base chain flushed': nftScript(true, () => `flush chain ${table} postrouting`),
  'base chain deleted': nftScript(true, () => `delete chain ${table} postrouting`),
  'base chain that drops': nftScript(true, () => `add chain ${table} postrouting { policy drop; }`),
  'rule added before ours': nftScript(true, () => `insert rule ${table} postrouting accept`),
  'rules of the policy flushed': nftScript(true, (listing) => `flush chain ${table} ${nameOf(listing, 'chain ipv6')}`),
  'rule added to the policy': nftScript(
    true,
    (listing) => `insert rule ${table} ${nameOf(listing, 'chain ipv6')} return`,
  ),
  'elements removed': nftScript(
    true,
    (listing) => `flush set ${table} ${nameOf(listing, 'set keep-destinations-ipv4')}`,
  ),
  'forced elements removed': nftScript(
    true,
    (listing) => `flush set ${table} ${nameOf(listing, 'set force-masquerade-ipv6')}`,
  ),
  'element added that leaks': nftScript(
    true,
    (listing) => `add element ${table} ${nameOf(listing, 'set keep-destinations-ipv4')} { 203.0.113.0/24 }`,
  ),
  'chain added': nftScript(false, () => `add chain ${table} foreign { type nat hook postrouting priority 0; }`),
  'set added': nftScript(false, () => `add set ${table} foreign { type ipv4_addr; }`),
  'rule added for nobody': nftScript(false, () => `insert rule ${table} postrouting ip daddr ${nobody} return`),
  'rule doubled': nftScript(
    false,
    () => `add rule ${table} postrouting counter name "masqueraded-ipv4" masquerade fully-random`,
  ),
};

function iptablesInjuries(flavour: Flavour): Readonly<Record<string, Injury>> {
  const forNobody: Injury['commands'] = [
    { command: [`iptables-${flavour}`, '-t', 'nat', '-I', 'IP-MASQ-AGENT', '-d', nobody, '-j', 'RETURN'] },
  ];
  const damages = Object.entries(iptablesDamages(flavour)).map(([name, commands]): [string, Injury] => [
    name,
    { wounds: !name.startsWith('a second jump'), commands: commands.map((command) => ({ command })) },
  ]);
  return { ...Object.fromEntries(damages), 'a rule for nobody': { wounds: false, commands: forNobody } };
}

/** What may happen to the rules of each backend, by name. */
export const injuriesOf: Readonly<Record<BackendName, Readonly<Record<string, Injury>>>> = {
  nft: nftInjuries,
  'iptables-nft': { ...iptablesInjuries('nft'), 'flush ruleset': flushRuleset },
  'iptables-legacy': iptablesInjuries('legacy'),
};
