import { mergeCidrs, parseCidr } from '../../net/cidr.ts';
import type { Family } from '../../net/family.ts';
import { complement, type IpSet } from '../../net/ip-set.ts';
import type { ListedRule } from '../iptables/rule-text.ts';
import type { NatRule } from './nat-rule.ts';

const rewriting = new Set(['SNAT', 'NETMAP']);
const leaving = new Set(['RETURN', 'DROP']);
/** Targets after which the next rule has its turn. */
const passing = new Set(['MARK', 'CONNMARK', 'LOG', 'NFLOG', 'TRACE']);
/** Options that do not restrict a rule, or in a way that is read. */
const understood = new Set(['-m', '--comment', '-s', '-d', '--mark', '-j', '-g']);

/** Reads a rule of an iptables listing. A target that is not known here is taken for a chain. */
export function natRuleOfIptables(rule: ListedRule, family: Family): NatRule {
  const { text, target, options } = rule;
  const action = actionOf(target);
  const restrictions = options.filter(({ name }) => !understood.has(name));
  const networkOf = (option: '-s' | '-d'): IpSet | 'unread' | undefined => {
    const given = options.find(({ name }) => name === option);
    return given && (addressesOf(given.values[0], given.negated, family) ?? 'unread');
  };
  const sources = networkOf('-s');
  const destinations = networkOf('-d');
  return {
    text,
    action,
    calls: action === 'call' && target !== undefined ? [target] : [],
    sources: sources === 'unread' ? undefined : sources,
    destinations: destinations === 'unread' ? undefined : destinations,
    mark: markOf(rule),
    understood: restrictions.length === 0 && sources !== 'unread' && destinations !== 'unread',
  };
}

function actionOf(target: string | undefined): NatRule['action'] {
  if (target === undefined || passing.has(target)) return 'other';
  if (target === 'MASQUERADE') return 'masquerade';
  if (rewriting.has(target)) return 'snat';
  if (target === 'ACCEPT') return 'accept';
  return leaving.has(target) ? 'leave' : 'call';
}

/** Undefined where the text is no network, as where it has a mask with holes. */
function addressesOf(network: string | undefined, negated: boolean, family: Family): IpSet | undefined {
  const cidr = network === undefined ? undefined : parseCidr(network);
  if (!cidr) return undefined;
  const addresses = mergeCidrs([cidr]);
  return negated ? complement(addresses, family) : addresses;
}

function markOf({ options }: ListedRule): NatRule['mark'] {
  const mark = options.find(({ name }) => name === '--mark');
  if (!mark) return undefined;
  const isZero = Number(mark.values[0]?.split('/')[0]) === 0;
  return isZero === mark.negated ? 'marked' : 'unmarked';
}
