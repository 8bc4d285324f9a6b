import { parseListenAddress } from '../net/listen-address.ts';
import type { Policy } from '../policy/policy.ts';
import { isPortTrusted } from '../system/processes.ts';
import { askForConfig } from '../telemetry/agent-report.ts';
import type { Flags } from './flags.ts';
import type { AgentProcess } from './running-agents.ts';
import { policyOfEffectiveConfig } from './wire/policy.ts';

/** Where an agent with these flags answers, or why it is not to be asked: whoever listens there may be somebody else. */
export async function addressOf(flags: Flags): Promise<{ readonly trusted: string } | { readonly refused: string }> {
  const address = flags['healthz-bind-address'];
  if (address === '') return { refused: 'it serves no --healthz-bind-address' };
  const { port } = parseListenAddress(address);
  if (await isPortTrusted(port)) return { trusted: address };
  return { refused: `nobody listens on port ${port}, or somebody who is neither root nor the user of this command` };
}

/** The policy that a running agent keeps in force, whatever the config on disk is; undefined where it can't be asked. */
export async function lastGoodPolicyOf(agent: AgentProcess | undefined): Promise<Policy | undefined> {
  if (!agent) return undefined;
  const { flags } = agent.commandLine;
  const address = await addressOf(flags);
  const config = 'refused' in address ? undefined : await askForConfig(address.trusted);
  return config === undefined ? undefined : policyOfEffectiveConfig(flags, config);
}
