import type { Backend } from '../../backends/backend.ts';
import type { Policy } from '../../policy/policy.ts';
import { excerpt } from '../../text.ts';

/** The policy that connections are judged by. */
export interface PolicyInForce {
  readonly policy: Policy;
  /** Why the kernel's rules may do something else; undefined where they are exactly that policy. */
  readonly doubt: string | undefined;
}

/**
 * Which of two policies the kernel holds: that of the config on disk, or that of the running agent, which differs where
 * the config on disk is newer or bad. Throws AgentError where the backend can't be read.
 */
export async function findPolicyInForce(
  backend: Pick<Backend, 'observe'>,
  likeliest: Policy,
  other: Policy | undefined,
): Promise<PolicyInForce> {
  const { state, differences } = await backend.observe(likeliest);
  if (state === 'in-sync') return { policy: likeliest, doubt: undefined };
  if (other && (await backend.observe(other)).state === 'in-sync') return { policy: other, doubt: undefined };
  const how = excerpt(differences[0] ?? state);
  return { policy: likeliest, doubt: `the kernel does not hold what the config asks for: ${how}` };
}
