import { constants } from 'node:os';
import { execa, type Result } from 'execa';
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

/** How much of what a tool that keeps running complained is told when it ends. */
const maxComplaintLength = 2_000;

/** The runner that starts real processes. Tools get the C locale, so that what they print can be relied on. */
export const systemRunner: Runner = {
  async run(command) {
    const result = await execa(command.tool, command.args, { ...optionsFor(command), maxBuffer: maxOutputBytes });
    const exitCode = exitCodeOf(command, result);
    return { exitCode, stdout: result.stdout, stderr: result.stderr };
  },
};

/** For output that is too long to be kept: hands it on as it comes. */
export interface Streamer {
  /**
   * Like `Runner.run`, but each piece of the standard output goes to `onOutput`, and none of it is in the outcome.
   * Pieces need not end with a line. What `onOutput` throws ends the tool and is thrown.
   */
  stream(command: Command, onOutput: (piece: Uint8Array) => void): Promise<Omit<Outcome, 'stdout'>>;
}

/** The streamer that starts real processes. */
export const systemStreamer: Streamer = {
  async stream(command, onOutput) {
    const subprocess = execa(command.tool, command.args, {
      ...optionsFor(command),
      buffer: { stdout: false },
    });
    try {
      for await (const piece of subprocess.stdout) onOutput(piece);
    } catch (error) {
      subprocess.kill();
      const result = await subprocess;
      // A tool that was killed ends its output early; that is told below.
      if (!result.timedOut && !result.isCanceled) throw error;
    }
    const result = await subprocess;
    return { exitCode: exitCodeOf(command, result), stderr: result.stderr };
  },
};

function optionsFor({ input = '', timeoutMs = defaultTimeoutMs, signal }: Command) {
  return {
    input,
    timeout: timeoutMs,
    forceKillAfterDelay: killDelayMs,
    stripFinalNewline: false,
    reject: false,
    env: { LC_ALL: 'C' },
    ...(signal ? { cancelSignal: signal } : {}),
  } as const;
}

type Ending = Pick<Result, 'isCanceled' | 'timedOut' | 'exitCode' | 'code' | 'signal' | 'shortMessage'>;

/** The exit code of a tool that ended by itself; throws what Runner.run says for one that did not. */
function exitCodeOf({ tool, args, timeoutMs = defaultTimeoutMs }: Command, result: Ending): number {
  const name = [tool, ...args].join(' ');
  if (result.isCanceled) throw new AgentError('ABORTED', `${name} was ended because the agent stops`);
  if (result.timedOut) throw new AgentError('TOOL_TIMEOUT', `${name} did not finish within ${timeoutMs} ms`);
  if (result.exitCode !== undefined) return result.exitCode;
  if (result.code === 'ENOENT') throw new AgentError('TOOL_MISSING', `${tool} is not installed (not found in PATH)`);
  if (result.code === 'EACCES') throw new AgentError('TOOL_MISSING', `${tool} can't be executed: permission denied`);
  if (result.signal === 'SIGKILL') {
    throw new AgentError('KERNEL_RESOURCE', `${name} was killed, as the kernel does where memory runs out`);
  }
  const why = result.signal ? `ended by ${result.signal} (${constants.signals[result.signal]})` : result.shortMessage;
  throw new AgentError('TOOL_FAILED', `${name}: ${why}`, { cause: result });
}

/** A tool that runs until it is stopped, and what it prints. */
export interface Following {
  /** Undefined where it could not be started. */
  readonly pid: number | undefined;
  /** Resolves when the tool has ended, with the reason. Never rejects. */
  readonly ended: Promise<string>;
  stop(): void;
}

/** The other half of the boundary: tools that keep running. */
export interface Follower {
  follow(command: Pick<Command, 'tool' | 'args'>, listeners: FollowingListeners): Following;
}

/** Who gets what a tool prints, in pieces that need not end with a line. */
export interface FollowingListeners {
  readonly onOutput: (piece: string) => void;
  readonly onError?: (piece: string) => void;
}

/** The follower that starts real processes. */
export const systemFollower: Follower = {
  follow({ tool, args }, { onOutput, onError }) {
    const process = execa(tool, args, {
      stdin: 'ignore',
      buffer: false,
      forceKillAfterDelay: killDelayMs,
      reject: false,
      env: { LC_ALL: 'C' },
    });
    let complaint = '';
    process.stdout.setEncoding('utf8').on('data', onOutput);
    process.stderr.setEncoding('utf8').on('data', (piece: string) => {
      complaint = (complaint + piece).slice(-maxComplaintLength);
      onError?.(piece);
    });
    const ended = process.then(({ exitCode, signal, shortMessage }) => {
      const how = signal ?? (exitCode === undefined ? shortMessage : `exit code ${exitCode}`);
      return [`${[tool, ...args].join(' ')} ended: ${how}`, complaint].join(' ').trim();
    });
    const stop = (): void => {
      process.kill();
      // Not to wait for whatever else the tool has started, and which may hold on to its output.
      process.stdout.destroy();
      process.stderr.destroy();
    };
    return { pid: process.pid, ended, stop };
  },
};
