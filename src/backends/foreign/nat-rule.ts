import type { IpSet } from '../../net/ip-set.ts';

/** What a foreign rule means for NAT, as far as it can be told from its text. */
export interface NatRule {
  readonly text: string;
  /** `leave` ends the chain for the packet without NAT; `other` may do anything else. */
  readonly action: 'masquerade' | 'leave' | 'call' | 'other';
  /** The chains that it may send the packet to. */
  readonly calls: readonly string[];
  /** The destinations that it is about; undefined where it names none, or in a way that is not understood. */
  readonly destinations: IpSet | undefined;
  /** Whether packets need a firewall mark to match, or must not have it. Who sets marks does so on purpose. */
  readonly mark: 'marked' | 'unmarked' | undefined;
  /** Whether destinations and mark, as far as they are given here, are all that restricts it. */
  readonly understood: boolean;
}
