import type { Backend } from '../../backends/backend.ts';
import { type AgentError, asAgentError, exitCodes } from '../../errors.ts';
import { allBackends } from '../backend-source.ts';
import type { CommandFunction } from '../command.ts';

/**
 * Removes everything the agent ever made, in every backend. Goes on where one fails, and then throws what failed.
 * A backend whose tool is missing or whose kernel half is absent can't hold rules that take effect: it is passed over.
 */
export const cleanup: CommandFunction = async (context) => {
  const removed: string[] = [];
  const passedOver: AgentError[] = [];
  const failures: AgentError[] = [];
  const backends = Object.values(allBackends(context.flags));
  for (const backend of backends) {
    const result = await cleanupOf(backend);
    if ('removed' in result) removed.push(...result.removed);
    else if (result.error.code === 'TOOL_MISSING' || result.error.code === 'KERNEL_UNSUPPORTED')
      passedOver.push(result.error);
    else failures.push(result.error);
  }
  for (const what of removed) context.print(`removed ${what}\n`);
  for (const { message } of passedOver) context.complain(`passed over: ${message}\n`);
  const [failure, ...others] = passedOver.length < backends.length ? failures : passedOver;
  for (const { message } of others) context.complain(`ip-masq-agent: ${message}\n`);
  if (failure) throw failure;
  if (removed.length === 0) context.print('nothing to remove\n');
  return exitCodes.done;
};

async function cleanupOf(backend: Backend): Promise<{ removed: readonly string[] } | { error: AgentError }> {
  try {
    return { removed: await backend.cleanup() };
  } catch (cause) {
    return { error: asAgentError(cause) };
  }
}
