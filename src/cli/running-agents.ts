import { basename } from 'node:path';
import { type Process, processesOfThisNetwork } from '../system/processes.ts';
import { type Arguments, parseArguments } from './args.ts';
import type { CommandContext } from './command.ts';
import type { FlagName, Flags } from './flags.ts';

/** An agent of this kind that runs in the network of this process. */
export interface AgentProcess extends Process {
  /** What it was started with, without the program. */
  readonly agentArgs: readonly string[];
  readonly commandLine: Arguments;
}

/**
 * Every agent that can be seen from here: in its own container, and on a host; not from another container. Only those of
 * root and of one's own user: anybody can start a process that looks like an agent.
 */
export async function findRunningAgents(): Promise<readonly AgentProcess[]> {
  return (await processesOfThisNetwork()).filter(({ isTrusted }) => isTrusted).flatMap(asAgent);
}

/** The process as an agent; nothing where it is none. */
export function asAgent(process: Process): AgentProcess[] {
  const program = process.args.findIndex((argument) => /^(?:cce-)?ip-masq-agent(?:\.js)?$/.test(basename(argument)));
  if (program === -1 || !runsThisProgram(process, program)) return [];
  const agentArgs = process.args.slice(program + 1);
  try {
    const commandLine = parseArguments(agentArgs, basename(process.args[program] ?? ''));
    return runsAgent(commandLine) ? [{ ...process, agentArgs, commandLine }] : [];
  } catch {
    return [];
  }
}

function runsAgent({ command, flags: { cleanup, help, version } }: Arguments): boolean {
  return (command === '' || command === 'run') && !cleanup && !help && !version;
}

/** Upstream's and Azure's agents have the same name, but are not run by Node, and are not this very executable. */
function runsThisProgram({ args, executable }: Process, program: number): boolean {
  return program === 0 ? executable === process.execPath : /^node/.test(basename(args[0] ?? ''));
}

/** Whether a command was given flags beside --output and these: without, it takes those of the agent that runs. */
export function hasOwnFlags({ given }: Pick<CommandContext, 'given'>, beside: readonly FlagName[] = []): boolean {
  return [...given].some((name) => name !== 'output' && !beside.includes(name));
}

/** The flags that a command goes by: its own, or, without any, those of the agent that runs here. */
export async function flagsInForce(context: Pick<CommandContext, 'flags' | 'given'>): Promise<Flags> {
  if (hasOwnFlags(context)) return context.flags;
  const [agent] = await findRunningAgents();
  return agent ? agent.commandLine.flags : context.flags;
}
