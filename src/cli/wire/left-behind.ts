import { asAgentError } from '../../errors.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Flags } from '../flags.ts';
import { findRunningAgents } from '../running-agents.ts';
import { selectBackend } from './backend.ts';

/** How many live connections a change would leave as they are; `count` is undefined where they can't be looked at. */
export interface LeftBehind {
  readonly count: number | undefined;
  /** The same for people. Ends with a newline. */
  readonly text: string;
}

/** Looks at the connections of the node, where an agent runs here, and only there is a policy in force. Never throws. */
export async function leftBehind(flags: Flags, previous: Policy, policy: Policy): Promise<LeftBehind | undefined> {
  if ((await findRunningAgents()).length === 0) return undefined;
  try {
    const [{ backend }, { countLeftBehind, inspectionOf }] = await Promise.all([
      selectBackend(flags, new AbortController().signal),
      import('./connections.ts'),
    ]);
    const count = await countLeftBehind({ ...inspectionOf(flags, policy, backend.name), previous });
    return { count, text: `\nlive connections that would go on as they are judged now: ${count}\n` };
  } catch (error) {
    return { count: undefined, text: `\nlive connections were not counted: ${asAgentError(error).message}\n` };
  }
}
