import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes } from '../../../src/errors.ts';
import type { AgentProcess, Exit } from '../harness/agent-process.ts';
import type { TestBed } from '../harness/test-bed.ts';

/** How long somebody who starts agents again waits first. */
const startAgainMs = 200;
const lookAgainMs = 50;
const linesKept = 80;
const elements = Array.from({ length: 50_000 }, (_, index) => `10.${index >> 8}.${index & 255}.1`).join(', ');
const manyEvents = `add table ip many-events\nadd set ip many-events set { type ipv4_addr; }\nadd element ip many-events set { ${elements} }\n`;
/** What it prints once it hears signals and has read its config. */
const signsOfLife = /rules (applied|changed|in sync|had been)|config (accepted|rejected)| error /;

export interface AgentKeeperOptions {
  readonly bed: TestBed;
  readonly start: () => AgentProcess;
  /** Whether an agent that was started then may fail to start, on the clock of performance.now(). */
  readonly mayFailToStart: (startedAt: number) => boolean;
}

/** Keeps one agent running, as the kubelet does, and ends it in the ways in which agents end. */
export class AgentKeeper {
  readonly #options: AgentKeeperOptions;
  #agent: AgentProcess | undefined;
  #startedAt = 0;
  #turn: Promise<void> = Promise.resolve();
  #told: string[] = [];
  #failure: Error | undefined;
  #orphans: number[] = [];
  /** Agents started so far. */
  starts = 0;

  constructor(options: AgentKeeperOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    return this.#inTurn(async () => this.#start());
  }

  /** SIGKILL, together with the tools that run for it or not; then the next one. */
  kill(withTools: boolean, downMs: number): Promise<void> {
    return this.#inTurn(async () => {
      const agent = this.#dismiss('SIGKILL');
      if (agent) {
        // Stopped first, so that it starts nothing more.
        agent.signal('SIGSTOP');
        const tools = await this.#childrenOf(agent);
        agent.signal('SIGKILL');
        if (withTools) for (const pid of tools) endIfRunning(pid);
        else this.#orphans.push(...tools);
        await agent.exited;
      }
      await sleep(downMs);
      this.#start();
    });
  }

  /** SIGTERM, then the next one. */
  restart(downMs: number): Promise<void> {
    return this.#inTurn(async () => {
      const agent = this.#dismiss('SIGTERM');
      if (agent) {
        const wasUp = isUp(agent);
        const exit = await agent.stop();
        // Before it listens for signals they end it on the spot.
        const isRight = exit.code === 0 || (!wasUp && (exit.signal === 'SIGTERM' || this.#failedToStart(exit, agent)));
        if (!isRight) this.#failure ??= new Error(`the agent ended on SIGTERM with ${exit.code ?? exit.signal}`);
      }
      await sleep(downMs);
      this.#start();
    });
  }

  /** SIGHUP, to one that hears it. */
  async reload(): Promise<void> {
    if (this.#agent && isUp(this.#agent)) this.#agent.signal('SIGHUP');
  }

  /** Has the kernel send the agent more events than it can take. */
  deafen(): Promise<void> {
    return this.#inTurn(async () => {
      const agent = this.#agent;
      agent?.signal('SIGSTOP');
      await this.#options.bed.node.feed(manyEvents, 'nft', '-f', '-').catch(() => undefined);
      await this.#options.bed.node.run('nft', 'delete', 'table', 'ip', 'many-events').catch(() => undefined);
      agent?.signal('SIGCONT');
    });
  }

  /**
   * Resolves once an agent has read its config and no tool that a killed one left behind runs. Throws if one ended by
   * itself.
   */
  async settled(): Promise<void> {
    while (this.#orphans.some((pid) => existsSync(`/proc/${pid}`))) await sleep(lookAgainMs);
    this.#orphans = [];
    for (;;) {
      await this.#turn;
      if (this.#failure) throw this.#failure;
      if (this.#agent && isUp(this.#agent)) return;
      await sleep(lookAgainMs);
    }
  }

  /** SIGTERM, for good; gives how it ended. */
  async stop(): Promise<Exit | undefined> {
    await this.#turn;
    return this.#dismiss('SIGTERM')?.stop();
  }

  /** The last lines that agents printed. */
  get output(): string {
    return [...this.#told, ...(this.#agent?.lines.map(({ text }) => text) ?? [])].slice(-linesKept).join('\n');
  }

  #start(): void {
    this.#startedAt = performance.now();
    const agent = this.#options.start();
    this.#agent = agent;
    this.starts++;
    void agent.exited.then((exit) => {
      if (this.#agent === agent) this.#endedByItself(exit, agent);
    });
  }

  #endedByItself(exit: Exit, agent: AgentProcess): void {
    const how = `the agent ended by itself with ${exit.code ?? exit.signal}`;
    this.#dismiss(how);
    if (!this.#failedToStart(exit, agent)) this.#failure ??= new Error(how);
    void this.#inTurn(async () => {
      if (this.#agent) return;
      await sleep(startAgainMs);
      this.#start();
    });
  }

  /** Whether this is how an agent ends whose tools did not work when it started. */
  #failedToStart({ code }: Exit, agent: AgentProcess): boolean {
    return code === exitCodes.backendFailure && !isUp(agent) && this.#options.mayFailToStart(this.#startedAt);
  }

  /** The agent, which from now on may end. */
  #dismiss(how: string): AgentProcess | undefined {
    const agent = this.#agent;
    this.#agent = undefined;
    const lines = agent?.lines.map(({ text }) => text) ?? [];
    if (agent) this.#told = [...this.#told, ...lines, `(${how})`].slice(-linesKept);
    return agent;
  }

  async #childrenOf(agent: AgentProcess): Promise<number[]> {
    const listed = await this.#options.bed.runner.run({ tool: 'pgrep', args: ['-P', String(agent.pid)] });
    return listed.stdout.split('\n').filter(Boolean).map(Number);
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work);
    return this.#turn;
  }
}

function isUp(agent: AgentProcess): boolean {
  return agent.lines.some(({ text }) => signsOfLife.test(text));
}

function endIfRunning(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in between.
  }
}
