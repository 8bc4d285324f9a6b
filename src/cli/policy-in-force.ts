import type { Backend } from '../backends/backend.ts';
import type { Policy } from '../policy/policy.ts';
import { excerpt } from '../text.ts';

/** The policy that connections are judged by. */
export interface PolicyInForce {
  readonly policy: Policy;
  /** Why the kernel's rules may do something else; undefined where they are exactly that policy. */
  readonly doubt: string | undefined;
}

/**
 * Which of the policies that may be in force the kernel holds, the likeliest first: that of the config on disk, and that
 * of the agent, which differs where the config on disk is newer or bad. Throws AgentError where the backend can't be
 * read.
 */
export async function findPolicyInForce(
  backend: Pick<Backend, 'observe'>,
  [likeliest, ...others]: readonly [Policy, ...Policy[]],
): Promise<PolicyInForce> {
  const { state, differences } = await backend.observe(likeliest);
  if (state === 'in-sync') return { policy: likeliest, doubt: undefined };
  for (const policy of others) {
    if ((await backend.observe(policy)).state === 'in-sync') return { policy, doubt: undefined };
  }
  return {
    policy: likeliest,
    doubt: `the kernel does not hold what the config asks for: ${excerpt(differences[0] ?? state)}`,
  };
}
