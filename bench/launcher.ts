import { type ChildProcess, fork } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Namespace } from '../test/kernel/harness/namespace.ts';
import { type LaunchReport, launchReport } from './launcher-messages.ts';
import type { Subject } from './subjects.ts';

const program = fileURLToPath(new URL('launcher-process.ts', import.meta.url));

/**
 * Gives the process and its children an /etc of their own, in which config is the volume: that is where agents look
 * whose path no flag tells.
 */
const enterPrivateEtc = `set -e
mkdir "$0/etc" "$0/etc/config" "$0/host-etc"
mount --bind /etc "$0/host-etc"
for entry in "$0/host-etc"/*; do
  [ "\${entry##*/}" = config ] || ln -s "$entry" "$0/etc/"
done
mount --bind "$1" "$0/etc/config"
mount --rbind "$0/etc" /etc
shift
exec "$@"`;

/** An agent that runs. */
export interface Running {
  readonly pid: number;
  /** When it was started, on the shared clock. */
  readonly at: number;
  /** Asks it to end, and waits until it has. */
  stop(): Promise<void>;
}

/**
 * Starts programs in a namespace: one process there does nothing else, so that nothing stands between the moment that
 * it tells and the program's own start.
 */
export class Launcher {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<string, (report: LaunchReport) => void>();
  #orders = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (message) => {
      const report = launchReport.parse(message);
      const key = keyOf(report);
      this.#waiting.get(key)?.(report);
      this.#waiting.delete(key);
    });
  }

  /** `directory`, for its own use, must be empty; its programs find `volume` at /etc/config. */
  static async start(namespace: Namespace, directory: string, volume: string): Promise<Launcher> {
    await Promise.all([mkdir(directory, { recursive: true }), mkdir(volume, { recursive: true })]);
    const words = ['--mount', 'sh', '-c', enterPrivateEtc, directory, volume, process.execPath];
    const { tool, args } = namespace.inside('unshare', words);
    const launcher = new Launcher(fork(program, { execPath: tool, execArgv: args }));
    await launcher.#report(0, 'ready');
    return launcher;
  }

  /** For the processor time of what it has run. */
  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the launcher could not be started');
    return this.#child.pid;
  }

  async start({ command }: Subject): Promise<Running> {
    const { started, exited } = this.#launch(command);
    const { pid, at } = await started;
    const stop = async (): Promise<void> => {
      process.kill(pid, 'SIGTERM');
      await exited;
    };
    return { pid, at, stop };
  }

  /** Runs a program to its end and gives how many milliseconds that took. */
  async time({ command }: Subject): Promise<number> {
    const { started, exited } = this.#launch(command);
    const { at } = await started;
    return (await exited).at - at;
  }

  #launch(command: readonly string[]) {
    const order = ++this.#orders;
    const started = this.#report(order, 'started');
    const exited = this.#report(order, 'exited');
    this.#child.send({ order, command });
    return { started, exited };
  }

  #report(order: number, kind: LaunchReport['kind']): Promise<LaunchReport> {
    return new Promise((resolve) => this.#waiting.set(keyOf({ order, kind }), resolve));
  }
}

function keyOf({ order, kind }: Pick<LaunchReport, 'order' | 'kind'>): string {
  return `${order} ${kind}`;
}
