import { execFileSync } from 'node:child_process';
import { arch, cpus, release, totalmem } from 'node:os';
import { nodeOptions } from './subjects.ts';

/** Where figures were made, and with what. */
export function describeMachine(): Readonly<Record<string, string>> {
  const [cpu] = cpus();
  return {
    processors: `${cpus().length} × ${cpu?.model.trim() ?? 'unknown'} (${arch()})`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: `Linux ${release()}`,
    node: process.version,
    'node options': nodeOptions.join(' '),
    nft: firstLine('nft', '--version'),
    iptables: firstLine('iptables', '--version'),
    commit: firstLine('git', 'describe', '--always', '--dirty'),
  };
}

function firstLine(program: string, ...args: string[]): string {
  try {
    const [line = ''] = execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split(
      '\n',
    );
    return line;
  } catch {
    return 'not known';
  }
}
