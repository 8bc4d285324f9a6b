import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * When the agent is killed with SIGKILL: `before` the n-th transaction that it starts a tool for, `during` that, which
 * the tool then brings to its end alone, or with a `torn` script, of which the agent had written no more than a pipe
 * holds. What lies between two transactions only looks at the kernel, so no other moment makes a difference.
 */
export const moments = ['before', 'during', 'torn'] as const;
export type Moment = (typeof moments)[number];

/** What a pipe holds that nobody reads yet; a shorter script is written at once or not at all. */
const pipeBytes = 65_536;

const tools = [
  'nft',
  ...['iptables', 'ip6tables'].flatMap((name) =>
    ['nft', 'legacy'].flatMap((flavour) => [`${name}-${flavour}`, `${name}-${flavour}-restore`]),
  ),
];

/** Stands in for a tool. `$0` is its path; order, count and traces are files beside it. Scripts only are counted. */
const wrapper = `#!/bin/sh
cd "\${0%/*}/.." || exit 70
tool=/usr/sbin/\${0##*/}
case "$*" in '-f -' | '-w 5 --noflush') ;; *) exec "$tool" "$@" ;; esac
read -r moment at <order
if [ "$moment" != before ]; then
  cat >script
  exec <script
  [ "$moment" = torn ] && [ "$(wc -c <script)" -le ${pipeBytes} ] && exec "$tool" "$@"
fi
read -r runs <runs
runs=$((runs + 1))
echo $runs >runs
[ "$runs" = "$at" ] || exec "$tool" "$@"
kill -9 $PPID
case $moment in
  during) "$tool" "$@" ;;
  torn) head -c ${pipeBytes} | "$tool" "$@" ;;
esac
echo yes >done
`;

/** Tools, to be put first in the agent's PATH, that kill it at a moment that is given. */
export class Killer {
  /** What the agent's PATH must be. */
  readonly path: string;
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
    this.path = `${join(directory, 'bin')}:/usr/bin:/bin`;
  }

  /** The directory must not exist yet. */
  static async create(directory: string): Promise<Killer> {
    await mkdir(join(directory, 'bin'), { recursive: true });
    for (const tool of tools) await writeFile(join(directory, 'bin', tool), wrapper, { mode: 0o755 });
    const killer = new Killer(directory);
    await killer.disarm();
    return killer;
  }

  async disarm(): Promise<void> {
    await this.arm('before', 0);
  }

  /** Counts the transactions from 1 on, from now. */
  async arm(moment: Moment, at: number): Promise<void> {
    await this.#put('runs', '0');
    await this.#put('order', `${moment} ${at}`);
    await this.#put('done', '');
  }

  /** Whether the tool that killed the agent has come to its end. */
  async isDone(): Promise<boolean> {
    return (await this.#get('done')) !== '';
  }

  /** By rename, so that a tool that starts just now finds a whole file. */
  async #put(name: string, text: string): Promise<void> {
    await writeFile(join(this.#directory, `${name}.new`), `${text}\n`);
    await rename(join(this.#directory, `${name}.new`), join(this.#directory, name));
  }

  async #get(name: string): Promise<string> {
    return (await readFile(join(this.#directory, name), 'utf8')).trim();
  }
}
