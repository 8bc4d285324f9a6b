import type { Address } from '../../net/address.ts';
import { hasAddress } from '../../net/ip-set.ts';
import type { NatHook } from './nat-hooks.ts';
import type { NatRule } from './nat-rule.ts';

/** A rule of another program that may decide about a connection. */
export interface Decider {
  readonly action: 'accept' | 'masquerade' | 'snat' | 'unknown';
  readonly when: NatHook['when'];
  /** False where that depends on more than addresses, such as a mark, a set or an interface. */
  readonly certain: boolean;
  readonly rule: string;
}

/** How well a rule's conditions fit: `maybe` where some are about more than addresses. */
type Match = 'yes' | 'maybe' | 'no';

/** Chains call chains; nothing that iptables or nft accepts is deeper (NFT_JUMP_STACK_SIZE). */
const maxDepth = 16;

/**
 * The rules that may decide about a connection from one address to another, translated destination, neither of them of
 * the host. Where it is not certain that a rule matches, the ones after it are looked at as well.
 */
export function decidersOf(hooks: readonly NatHook[], source: Address, destination: Address): readonly Decider[] {
  const deciders: Decider[] = [];
  for (const hook of hooks) {
    if (hook.family === destination.family) new Walk(hook, source, destination, deciders).chain(hook.rules, true, 0);
  }
  return deciders;
}

class Walk {
  readonly #hook: NatHook;
  readonly #source: Address;
  readonly #destination: Address;
  readonly #deciders: Decider[];

  constructor(hook: NatHook, source: Address, destination: Address, deciders: Decider[]) {
    this.#hook = hook;
    this.#source = source;
    this.#destination = destination;
    this.#deciders = deciders;
  }

  /** Goes through a chain that is `certain` to be reached, or may be; gives whether it certainly decides. */
  chain(rules: readonly NatRule[], certain: boolean, depth: number): boolean {
    let isSure = certain;
    for (const rule of rules) {
      const match = this.#matchOf(rule);
      if (match === 'no') continue;
      const result = this.#rule(rule, isSure && match === 'yes', depth);
      if (result === 'decides') return true;
      if (rule.action === 'leave' && match === 'yes') return false;
      if (rule.action !== 'other' && match === 'maybe') isSure = false;
      if (result === 'unsure') isSure = false;
    }
    return false;
  }

  #rule({ action, text, calls }: NatRule, certain: boolean, depth: number): 'decides' | 'unsure' | 'goes on' {
    switch (action) {
      case 'accept':
      case 'masquerade':
      case 'snat':
        this.#add(action, certain, text);
        return certain ? 'decides' : 'unsure';
      case 'unknown':
        this.#add('unknown', false, text);
        return 'unsure';
      case 'call':
        return calls.some((name) => this.#call(name, certain, text, depth)) ? 'decides' : 'goes on';
      default:
        return 'goes on';
    }
  }

  #call(name: string, certain: boolean, text: string, depth: number): boolean {
    const rules = this.#hook.chains.get(name);
    if (rules && depth < maxDepth) return this.chain(rules, certain, depth + 1);
    this.#add('unknown', false, text);
    return false;
  }

  #add(action: Decider['action'], certain: boolean, rule: string): void {
    this.#deciders.push({ action, when: this.#hook.when, certain, rule });
  }

  #matchOf({ sources, destinations, mark, understood }: NatRule): Match {
    if (sources && !hasAddress(sources, this.#source.value)) return 'no';
    if (destinations && !hasAddress(destinations, this.#destination.value)) return 'no';
    return understood && mark === undefined ? 'yes' : 'maybe';
  }
}
