import { constants } from 'node:os';
import { execa } from 'execa';
import { AgentError } from '../errors.ts';

/** One run of one tool: an argument array, never a shell string. */
export interface Command {
  readonly tool: string;
  readonly args: readonly string[];
  /** Text for the standard input; without it the tool reads end of file at once. */
  readonly input?: string;
  /** Milliseconds until the tool is killed; 30 s by default. */
  readonly timeoutMs?: number;
  /** Aborting it ends the tool with SIGTERM. Leave it out for a write that must not be cut short. */
  readonly signal?: AbortSignal | undefined;
}

/** How a tool ended by itself. */
export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The one boundary to other programs. Resolves whenever the tool ran to an exit code, whatever that is.
 *
 * Rejects with AgentError TOOL_MISSING (not found or not executable), TOOL_TIMEOUT (killed after the time-out),
 * ABORTED (the signal), KERNEL_RESOURCE (killed by somebody else, as the kernel does where memory runs out) or TOOL_FAILED
 * (ended by another signal, or could not be started for another reason).
 */
export interface Runner {
  run(command: Command): Promise<Outcome>;
}

const defaultTimeoutMs = 30_000;
/** The kernel gives a tool that ignores SIGTERM no more time than this before SIGKILL. */
const killDelayMs = 500;
/** Larger than any listing of 1,000,000 set elements. */
const maxOutputBytes = 256 * 1024 * 1024;

/** Who is told of the processes that a runner starts; both calls follow the events at once, in the same tick. */
export interface ChildObserver {
  started(pid: number, command: Command): void;
  /** The process has ended, and whatever it wrote is read. */
  ended(pid: number): void;
}

/** A runner that starts real processes. Tools get the C locale, so that what they print can be relied on. */
export function createRunner(children?: ChildObserver): Runner {
  return { run: (command) => runCommand(command, children) };
}

export const systemRunner: Runner = createRunner();

async function runCommand(command: Command, children: ChildObserver | undefined): Promise<Outcome> {
  const { tool, args, input = '', timeoutMs = defaultTimeoutMs, signal } = command;
  const child = execa(tool, args, {
    input,
    timeout: timeoutMs,
    forceKillAfterDelay: killDelayMs,
    maxBuffer: maxOutputBytes,
    stripFinalNewline: false,
    reject: false,
    env: { LC_ALL: 'C' },
    ...(signal ? { cancelSignal: signal } : {}),
  });
  const { pid } = child;
  if (pid !== undefined) children?.started(pid, command);
  const result = await child;
  if (pid !== undefined) children?.ended(pid);
  const name = [tool, ...args].join(' ');
  if (result.isCanceled) throw new AgentError('ABORTED', `${name} was ended because the agent stops`);
  if (result.timedOut) throw new AgentError('TOOL_TIMEOUT', `${name} did not finish within ${timeoutMs} ms`);
  if (result.exitCode !== undefined) {
    return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr };
  }
  if (result.code === 'ENOENT') throw new AgentError('TOOL_MISSING', `${tool} is not installed (not found in PATH)`);
  if (result.code === 'EACCES') throw new AgentError('TOOL_MISSING', `${tool} can't be executed: permission denied`);
  if (result.signal === 'SIGKILL') {
    throw new AgentError('KERNEL_RESOURCE', `${name} was killed, as the kernel does where memory runs out`);
  }
  const why = result.signal ? `ended by ${result.signal} (${constants.signals[result.signal]})` : result.shortMessage;
  throw new AgentError('TOOL_FAILED', `${name}: ${why}`, { cause: result });
}
