import { answersOf } from '../agent/names.ts';
import { type Config, namesIn } from '../config/config.ts';
import type { NameAnswer } from '../names/name-watch.ts';
import { parseListenAddress } from '../net/listen-address.ts';
import type { Policy } from '../policy/policy.ts';
import { isPortTrusted } from '../system/processes.ts';
import { askForNames } from '../telemetry/agent-names.ts';
import { askForConfig } from '../telemetry/agent-report.ts';
import type { Flags } from './flags.ts';
import { type AgentProcess, findRunningAgents } from './running-agents.ts';
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
  const names = 'refused' in address || config === undefined ? undefined : await askForNames(address.trusted);
  return config && policyOfEffectiveConfig(flags, config, answersOf(names ?? []));
}

/** What a running agent, or the first one that is found, knows of the names in a config; nothing where none can be asked. */
export async function answersOfAgent(config: Config, known?: AgentProcess): Promise<readonly NameAnswer[]> {
  const wanted = new Set(namesIn(config));
  if (wanted.size === 0) return [];
  const [agent] = known ? [known] : await findRunningAgents();
  const address = agent && (await addressOf(agent.commandLine.flags));
  if (!address || 'refused' in address) return [];
  const answers = (await askForNames(address.trusted)) ?? [];
  return answers.filter(({ name }) => wanted.has(name));
}

/** The names in a config that nobody has told the addresses of: whether they have any is not known. */
export function unknownNames(config: Config, answers: readonly NameAnswer[]): readonly string[] {
  const known = new Set(answers.filter(({ isAnswered }) => isAnswered).map(({ name }) => name));
  return namesIn(config).filter((name) => !known.has(name));
}
