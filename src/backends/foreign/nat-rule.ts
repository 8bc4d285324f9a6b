import type { IpSet } from '../../net/ip-set.ts';

/** What a foreign rule means for NAT, as far as it can be told from its text. */
export interface NatRule {
  readonly text: string;
  /**
   * `masquerade` and `snat` rewrite the source, `snat` to an address that the rule names. `accept` ends the hook's
   * chain without NAT, `leave` the chain that the rule stands in; `other` lets the packet go on. `unknown` may do any of
   * these.
   */
  readonly action: 'masquerade' | 'snat' | 'accept' | 'leave' | 'call' | 'other' | 'unknown';
  /** The chains that it may send the packet to. */
  readonly calls: readonly string[];
  /** The sources that it is about; undefined where it names none, or in a way that is not understood. */
  readonly sources: IpSet | undefined;
  /** The destinations that it is about, in the same way. */
  readonly destinations: IpSet | undefined;
  /** Whether packets need a firewall mark to match, or must not have it. Who sets marks does so on purpose. */
  readonly mark: 'marked' | 'unmarked' | undefined;
  /** Whether sources, destinations and mark, as far as they are given here, are all that restricts it. */
  readonly understood: boolean;
}

/** Whether the rule rewrites sources. */
export function rewritesSource({ action }: NatRule): boolean {
  return action === 'masquerade' || action === 'snat';
}
