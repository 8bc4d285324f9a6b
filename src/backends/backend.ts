import type { Policy } from '../policy/policy.ts';

export type BackendName = 'nft' | 'iptables-nft' | 'iptables-legacy';

/** One atomic change of the kernel's rules, as text for one run of one tool. */
export interface Transaction {
  /** What the change is for, in a few words; `render` prints it as a comment. */
  readonly purpose: string;
  /** The tool and its arguments; the text goes to its standard input. */
  readonly command: readonly [tool: string, ...args: string[]];
  readonly text: string;
}

/** Whether a backend works on this host; `reason` says how that is known, or why it does not. */
export interface Probe {
  readonly usable: boolean;
  readonly reason: string;
}

/** What the kernel holds, compared with a policy. `differences` is empty exactly when in sync. */
export interface Observation {
  readonly state: 'in-sync' | 'drifted' | 'absent';
  readonly differences: readonly string[];
  /** What was read, for an apply() of the same backend that follows; nobody else looks inside. */
  readonly actual?: unknown;
}

/** One way of keeping the kernel's NAT rules equal to a policy. */
export interface Backend {
  readonly name: BackendName;

  /** Finds out by effects, without changing anything, whether this backend can work here. Never throws. */
  probe(signal?: AbortSignal): Promise<Probe>;

  /** The transactions that bring a host without our rules to the policy. Pure. */
  render(policy: Policy): readonly Transaction[];

  /**
   * Brings the kernel to the policy, hitlessly, from whatever state it is in, and reads it back. Writes nothing where
   * the kernel holds the policy; `observed`, made just before, saves a look. Throws AgentError.
   */
  apply(policy: Policy, signal?: AbortSignal, observed?: Observation): Promise<void>;

  /** Compares the kernel with the policy, down to the last element, without changing anything. Throws AgentError. */
  observe(policy: Policy, signal?: AbortSignal): Promise<Observation>;

  /** Removes everything the agent ever made through this backend; says what was removed. Throws AgentError. */
  cleanup(signal?: AbortSignal): Promise<readonly string[]>;
}
