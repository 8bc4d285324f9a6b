import { parseCidr, rangeOf } from '../../src/net/cidr.ts';
import type { Family } from '../../src/net/family.ts';
import { complement } from '../../src/net/ip-set.ts';
import type { Side } from '../../src/policy/decide.ts';
import { type Action, addressAndPorts, type Chains, type Match, type Rule } from './ruleset.ts';

const builtIn = ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'];

/**
 * What the nat table holds after a text for `iptables-restore --noflush` on a host without rules. Throws where the text
 * has a word that is not known here: nothing is skipped.
 */
export function chainsOfRestore(text: string, family: Family): Chains {
  const lines = text.trimEnd().split('\n');
  if (lines[0] !== '*nat' || lines.at(-1) !== 'COMMIT')
    throw new Error(`not one transaction of the nat table: ${text}`);
  const chains = new Map<string, Rule[]>(builtIn.map((name) => [name, []]));
  for (const line of lines.slice(1, -1)) {
    const declared = /^:(\S+) - \[0:0\]$/.exec(line)?.[1];
    if (declared !== undefined) {
      // Created, or flushed where it exists.
      chains.set(declared, []);
      continue;
    }
    const [, chain = '', rest = ''] = /^-A (\S+) (.*)$/.exec(line) ?? [];
    const rules = chains.get(chain);
    if (!rules) throw new Error(`not a rule of a known chain: ${line}`);
    rules.push(ruleOf(rest, family));
  }
  return chains;
}

function ruleOf(text: string, family: Family): Rule {
  const words = [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const matches: Match[] = [];
  let action: Action = { kind: 'continue' };
  while (words.length > 0) {
    const isNegated = words[0] === '!' && words.shift() !== undefined;
    const [option = '', value = ''] = words.splice(0, 2);
    if (option === '-j' || option === '-g') action = actionOf(option, value, words);
    else matches.push(...matchesOf(option, value, isNegated, family));
  }
  return { matches, counters: [], action };
}

/** Options that say nothing about which packets a rule matches. */
const silent = /^(?:-m (?:comment|addrtype|statistic)|--comment .*|--mode random)$/s;

function matchesOf(option: string, value: string, isNegated: boolean, family: Family): Match[] {
  if (option === '-s' || option === '-d') return [addressMatch(option, value, isNegated, family)];
  if (option === '--dst-type' && value === 'LOCAL') return [{ kind: 'local', value: !isNegated }];
  if (!isNegated && option === '-p') return [{ kind: 'protocol', protocols: [value] }];
  if (!isNegated && option === '--probability') return [{ kind: 'chance', chance: Number(value) }];
  if (!isNegated && silent.test(`${option} ${value}`)) return [];
  throw new Error(`not known here: ${isNegated ? '! ' : ''}${option} ${value}`);
}

function addressMatch(option: string, text: string, negated: boolean, family: Family): Match {
  const cidr = parseCidr(text);
  if (cidr?.family !== family) throw new Error(`${text} is no network of ${family}`);
  const set = [rangeOf(cidr)];
  const side: Side = option === '-s' ? 'source' : 'destination';
  return { kind: 'address', side, family, set: negated ? complement(set, family) : set };
}

/** What a rule does, with the options of its target, which end it. */
function actionOf(option: string, target: string, rest: string[]): Action {
  if (option === '-g') return { kind: 'goto', chain: target };
  if (target === 'RETURN') return { kind: 'return' };
  if (target === 'ACCEPT') return { kind: 'accept' };
  if (target !== 'MASQUERADE' && target !== 'SNAT') return { kind: 'jump', chain: target };
  const options = rest.splice(0);
  const isSnat = target === 'SNAT';
  const value = options[0] === (isSnat ? '--to-source' : '--to-ports') ? options.splice(0, 2)[1] : undefined;
  const { address, ports } = isSnat ? addressAndPorts(value ?? '') : { address: undefined, ports: value };
  const random = options[0] === '--random-fully' && options.shift() !== undefined;
  if (options.length > 0) throw new Error(`options of ${target} that are not known here: ${options.join(' ')}`);
  return { kind: 'masquerade', address, ports, random };
}
