import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Flavour, toolsOf } from '../../../src/backends/iptables/names.ts';
import { families } from '../../../src/net/family.ts';

/**
 * What may go wrong with every tool for a while, as commands that a stand-in runs before the real one. `$tool` is the
 * real one; `$writes` is 1 where it would change rules.
 */
export const toolFaults = {
  'fails in a way nobody expected': 'echo "oddly broken" >&2; exit 77',
  'says nothing': 'exit 1',
  'may not': 'echo "Operation not permitted (you must be root)" >&2; exit 4',
  'runs out of memory': 'echo "Error: Could not process rule: Cannot allocate memory" >&2; exit 1',
  'is killed': 'kill -9 $$',
  'does nothing and calls it success': 'cat > /dev/null; exit 0',
  'prints garbage': 'cat > /dev/null; head -c 20000 /dev/urandom; exit 0',
  'fails one time in three': '[ $(($$ % 3)) -gt 0 ] || exit 77',
  'can not write': '[ $writes = 0 ] || { echo "no" >&2; exit 1; }',
  'hangs for a second': 'sleep 1 < /dev/null > /dev/null 2>&1',
  'hangs before it writes': '[ $writes = 0 ] || sleep 1 < /dev/null > /dev/null 2>&1',
  'does its work and fails': '"$tool" "$@"; exit 77',
  'does its work and is killed': '"$tool" "$@"; kill -9 $$',
  'writes and is killed': '[ $writes = 0 ] || { "$tool" "$@"; kill -9 $$; }',
} as const;

export type ToolFault = keyof typeof toolFaults;

const flavours: readonly Flavour[] = ['nft', 'legacy'];
const tools = [
  'nft',
  ...flavours.flatMap((flavour) => families.flatMap((family) => Object.values(toolsOf(flavour, family)))),
];

/** Stand-ins for the agent's tools, in a directory that goes first in its PATH. */
export class FaultyTools {
  readonly path: string;
  readonly #directory: string;
  /** In the order in which they began. */
  #faults: readonly ToolFault[] = [];
  #open = 0;
  #lastFaultEndedAt = Number.NEGATIVE_INFINITY;
  #turn: Promise<void> = Promise.resolve();

  private constructor(directory: string) {
    this.#directory = directory;
    this.path = `${directory}:/usr/sbin:/usr/bin:/sbin:/bin`;
  }

  static async create(directory: string): Promise<FaultyTools> {
    await mkdir(directory);
    const faulty = new FaultyTools(directory);
    await faulty.#put(() => []);
    for (const name of tools) await writeFile(join(directory, name), standIn(name, directory), { mode: 0o755 });
    return faulty;
  }

  /** Lets them fail while the work goes on; of several faults at once, the last one counts. */
  async during(fault: ToolFault, work: () => Promise<unknown>): Promise<void> {
    this.#open++;
    await this.#put((faults) => [...faults, fault]);
    await work();
    await this.#put((faults) => faults.toSpliced(faults.indexOf(fault), 1));
    this.#open--;
    this.#lastFaultEndedAt = performance.now();
  }

  /** Whether they were faulty at any moment since then, on the clock of performance.now(). */
  wereFaultySince(time: number): boolean {
    return this.#open > 0 || this.#lastFaultEndedAt >= time;
  }

  #put(change: (faults: readonly ToolFault[]) => readonly ToolFault[]): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      this.#faults = change(this.#faults);
      const fault = this.#faults.at(-1);
      const file = join(this.#directory, 'fault');
      await writeFile(`${file}.new`, `${fault ? toolFaults[fault] : ''}\n`);
      await rename(`${file}.new`, file);
    });
    return this.#turn;
  }
}

function standIn(name: string, directory: string): string {
  return `#!/bin/sh
tool=/usr/sbin/${name}
writes=0
case "\${0##*/} $*" in
  *-restore\\ *|*-f\\ -*) writes=1 ;;
esac
. ${directory}/fault
exec "$tool" "$@"
`;
}
