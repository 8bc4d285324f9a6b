import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { execa } from 'execa';
import { AgentError } from '../errors.ts';
import { killDelayMs, Patience } from './patience.ts';

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
 * The one boundary to other programs. Resolves whenever the tool ran to an exit code, whatever that is, and as soon as
 * its own process has ended: what it started is killed with it, and is not waited for.
 *
 * Rejects with AgentError TOOL_MISSING (not found or not executable), TOOL_TIMEOUT (killed after the time-out),
 * TOOL_STUCK (could not be killed, and was given up), ABORTED (the signal), KERNEL_RESOURCE (killed by somebody else, as
 * the kernel does where memory runs out), TOOL_CRASHED (by a fault of its own) or TOOL_FAILED (ended by another signal, printed more than any tool has to say,
 * or could not be started for another reason).
 */
export interface Runner {
  run(command: Command): Promise<Outcome>;
}

const defaultTimeoutMs = 30_000;
/** What a tool wrote is read within this time after its end, also where a process that left its group holds its pipes. */
const drainMs = 200;
/** Twice the listing of as many set elements as a config may ask for. */
const maxOutputBytes = 32 * 1024 * 1024;

/** The C locale, so that what tools print can be relied on; a process group of their own, which is killed whole. */
const toolOptions = {
  stripFinalNewline: false,
  reject: false,
  forceKillAfterDelay: killDelayMs,
  killDescendants: true,
  // Collected here: execa would put all of it into the text of an error once more.
  buffer: false,
  env: { LC_ALL: 'C' },
} as const;

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

/** For output that is too long to be kept: hands it on as it comes. */
export interface Streamer {
  /**
   * Like `Runner.run`, but each piece of the standard output goes to `onOutput`, and none of it is in the outcome.
   * Pieces need not end with a line. What `onOutput` throws ends the tool and is thrown.
   */
  stream(command: Command, onOutput: (piece: Buffer) => void): Promise<Omit<Outcome, 'stdout'>>;
}

/** The streamer that starts real processes. */
export const systemStreamer: Streamer = {
  async stream(command, onOutput) {
    const { exitCode, stderr } = await runCommand(command, undefined, onOutput);
    return { exitCode, stderr };
  },
};

async function runCommand(
  command: Command,
  children: ChildObserver | undefined,
  onOutput?: (piece: Buffer) => void,
): Promise<Outcome> {
  const { tool, args, timeoutMs = defaultTimeoutMs, signal } = command;
  const running = start(command, timeoutMs);
  const child = running.nodeChildProcess;
  const output = new Output(running, () => running.kill('SIGKILL'), onOutput);
  child.once('exit', () => {
    running.kill('SIGKILL');
    const drained = setTimeout(() => closePipes(child), drainMs);
    child.once('close', () => clearTimeout(drained));
  });
  const { pid } = child;
  if (pid !== undefined) children?.started(pid, command);
  const patience = new Patience(timeoutMs, signal);
  const result = await Promise.race([running, patience.lost]).finally(() => {
    patience.end();
    if (pid !== undefined) children?.ended(pid);
  });
  const name = [tool, ...args].join(' ');
  if (result) return outcomeOf(result, output, name, timeoutMs);
  closePipes(child);
  child.unref();
  throw new AgentError('TOOL_STUCK', `${name} (process ${child.pid}) could not be killed and was given up`);
}

function start({ tool, args, input = '', signal }: Command, timeout: number) {
  return execa(tool, args, { ...toolOptions, input, timeout, ...(signal ? { cancelSignal: signal } : {}) });
}

/** Ends without an error for whoever reads, and leaves nothing behind that would keep this process running. */
function closePipes({ stdin, stdout, stderr }: ChildProcess): void {
  for (const output of [stdout, stderr]) output?.push(null);
  for (const pipe of [stdin, stdout, stderr]) pipe?.destroy();
}

/** What a tool prints: the standard output as somebody takes it, the rest up to what any tool has to say. */
class Output {
  readonly stdout: Buffer[] = [];
  readonly stderr: Buffer[] = [];
  /** What the taker of the output threw. */
  refusal: { readonly cause: unknown } | undefined;
  #bytes = 0;
  readonly #end: () => void;

  constructor({ stdout, stderr }: ReturnType<typeof start>, end: () => void, onOutput?: (piece: Buffer) => void) {
    this.#end = end;
    stdout.on('data', (piece: Buffer) => (onOutput ? this.#give(onOutput, piece) : this.#keep(this.stdout, piece)));
    stderr.on('data', (piece: Buffer) => this.#keep(this.stderr, piece));
  }

  get isTooMuch(): boolean {
    return this.#bytes > maxOutputBytes;
  }

  #keep(pieces: Buffer[], piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.isTooMuch) this.#end();
    else pieces.push(piece);
  }

  #give(onOutput: (piece: Buffer) => void, piece: Buffer): void {
    if (this.refusal) return;
    try {
      onOutput(piece);
    } catch (cause) {
      this.refusal = { cause };
      this.#end();
    }
  }
}

/** The signals by which the kernel, or a program itself, ends what has gone wrong (signal(7)). */
const crashes: ReadonlySet<string> = new Set(['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGABRT']);

/** What a run came to. Throws as Runner says. */
function outcomeOf(
  result: Awaited<ReturnType<typeof start>>,
  output: Output,
  name: string,
  timeoutMs: number,
): Outcome {
  if (output.refusal) throw output.refusal.cause;
  if (result.isCanceled) throw new AgentError('ABORTED', `${name} was ended because the agent stops`);
  if (result.timedOut) throw new AgentError('TOOL_TIMEOUT', `${name} did not finish within ${timeoutMs} ms`);
  if (output.isTooMuch) throw new AgentError('TOOL_FAILED', `${name} printed more than ${maxOutputBytes} bytes`);
  if (result.exitCode !== undefined) {
    return {
      exitCode: result.exitCode,
      stdout: String(Buffer.concat(output.stdout)),
      stderr: String(Buffer.concat(output.stderr)),
    };
  }
  const [tool] = name.split(' ');
  if (result.code === 'ENOENT') throw new AgentError('TOOL_MISSING', `${tool} is not installed (not found in PATH)`);
  if (result.code === 'EACCES') throw new AgentError('TOOL_MISSING', `${tool} can't be executed: permission denied`);
  if (result.signal === 'SIGKILL') {
    throw new AgentError('KERNEL_RESOURCE', `${name} was killed, as the kernel does where memory runs out`);
  }
  if (result.signal !== undefined && crashes.has(result.signal))
    throw new AgentError('TOOL_CRASHED', `${name}: crashed with ${result.signal}`);
  const why = result.signal ? `ended by ${result.signal} (${constants.signals[result.signal]})` : result.shortMessage;
  throw new AgentError('TOOL_FAILED', `${name}: ${why}`, { cause: result });
}
