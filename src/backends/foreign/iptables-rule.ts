import { mergeCidrs, parseCidr } from '../../net/cidr.ts';
import type { Family } from '../../net/family.ts';
import { complement, type IpSet } from '../../net/ip-set.ts';
import type { ListedRule } from '../iptables/rule-text.ts';
import type { NatRule } from './nat-rule.ts';

const masquerading = new Set(['MASQUERADE', 'SNAT', 'NETMAP']);
const leaving = new Set(['RETURN', 'ACCEPT', 'DROP']);
/** Targets after which the next rule has its turn. */
const passing = new Set(['MARK', 'CONNMARK', 'LOG', 'NFLOG', 'TRACE']);
/** Options that do not restrict a rule, or in a way that is read. */
const understood = new Set(['-m', '--comment', '-d', '--mark', '-j', '-g']);

/** Reads a rule of an iptables listing. A target that is not known here is taken for a chain. */
export function natRuleOfIptables(rule: ListedRule, family: Family): NatRule {
  const { text, target, options } = rule;
  const action = actionOf(target);
  const restrictions = options.filter(({ name }) => !understood.has(name));
  const destination = options.find(({ name }) => name === '-d');
  const destinations = destination && destinationsOf(destination.values[0], destination.negated, family);
  return {
    text,
    action,
    calls: action === 'call' && target !== undefined ? [target] : [],
    destinations,
    mark: markOf(rule),
    understood: restrictions.length === 0 && (destination === undefined || destinations !== undefined),
  };
}

function actionOf(target: string | undefined): NatRule['action'] {
  if (target === undefined || passing.has(target)) return 'other';
  if (masquerading.has(target)) return 'masquerade';
  return leaving.has(target) ? 'leave' : 'call';
}

function destinationsOf(network: string | undefined, negated: boolean, family: Family): IpSet | undefined {
  const cidr = network === undefined ? undefined : parseCidr(network);
  if (!cidr) return undefined;
  const destinations = mergeCidrs([cidr]);
  return negated ? complement(destinations, family) : destinations;
}

function markOf({ options }: ListedRule): NatRule['mark'] {
  const mark = options.find(({ name }) => name === '--mark');
  if (!mark) return undefined;
  const isZero = Number(mark.values[0]?.split('/')[0]) === 0;
  return isZero === mark.negated ? 'marked' : 'unmarked';
}
