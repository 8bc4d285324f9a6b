import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { flagTable } from '../../src/cli/flags.ts';
import { tool } from '../container/tool.ts';
import { executable } from './build-executable.ts';

const directory = mkdtempSync(join(tmpdir(), 'completion-'));
afterAll(() => rmSync(directory, { recursive: true }));
writeFileSync(join(directory, 'a config.yaml'), '');

/** What a shell prints that reads this script. */
async function shell(program: string, args: readonly string[], script: string): Promise<string> {
  const child = spawn(program, args, { cwd: directory, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(script);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect(stderr).toBe('');
  return stdout;
}

describe('completion in bash', () => {
  let script: string;
  beforeAll(async () => {
    script = await tool(executable, 'completion', 'bash');
  });

  /** What bash offers for the last of these words, as readline has split them. */
  async function offered(...words: string[]): Promise<readonly string[]> {
    const line = words.map((word) => `'${word}'`).join(' ');
    const call = `COMP_WORDS=(ip-masq-agent ${line}) COMP_CWORD=${words.length}
_ip_masq_agent ip-masq-agent
printf '%s\\n' "\${COMPREPLY[@]}"`;
    const output = await shell('bash', ['--norc', '-s'], `${script}\n${call}\n`);
    return output.split('\n').filter((word) => word !== '');
  }

  it('is registered', async () => {
    expect(await shell('bash', ['--norc', '-s'], `${script}\ncomplete -p ip-masq-agent\n`)).toContain('_ip_masq_agent');
  });

  it('offers every command', async () => {
    expect(await offered('')).toEqual(Object.keys(commands));
    expect(await offered('vali')).toEqual(['validate']);
    expect(await offered('--enable-ipv6', 'st')).toEqual(['status']);
  });

  it('offers the flags that a command heeds', async () => {
    const general = Object.entries(flagTable).flatMap(([name, { command }]) => (command ? [] : [`--${name}`]));
    expect(await offered('validate', '--')).toEqual(general);
    expect(await offered('explain', '--d')).toEqual(['--dst']);
    expect(await offered('cleanup', '--st')).toEqual(['--stay']);
    expect(await offered('--on')).toEqual(['--once']);
  });

  it('offers what may follow', async () => {
    expect(await offered('--backend', 'ipt')).toEqual(['iptables-nft', 'iptables-legacy']);
    expect(await offered('--backend', '=', 'n')).toEqual(['nft']);
    expect(await offered('--log-format', '=')).toEqual(['text', 'json']);
    expect(await offered('--config', 'a')).toEqual(['a config.yaml']);
    expect(await offered('validate', 'a')).toEqual(['a config.yaml']);
    expect(await offered('completion', 'z')).toEqual(['zsh']);
    expect(await offered('render', 'a')).toEqual([]);
  });
});

describe('completion in zsh', () => {
  beforeAll(async () => {
    writeFileSync(join(directory, '_ip-masq-agent'), await tool(executable, 'completion', 'zsh'));
  });

  /** The line that an interactive zsh runs where somebody types this, with tabs, and enter. */
  async function completed(typed: string): Promise<string> {
    const driver = `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1= PS2= fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D'
# What is typed ahead is completed all the same.
zpty -w shell 'zstyle ":completion:*" insert-tab false'
zpty -w shell 'ip-masq-agent() { print -r -- "<ran>\${(j:|:)@}</ran>" }; print -r -- "<rea""dy>"'
zpty -r -m shell line '*<ready>*'
zpty -w shell ${`$'ip-masq-agent ${typed}'`}
zpty -r -m shell line '*</ran>*'
print -r -- "$line"
zpty -d shell
`;
    return /<ran>(.*)<\/ran>/.exec(await shell('zsh', ['-f'], driver))?.[1] ?? 'nothing was run';
  }

  it.each([
    ['vali\\t', 'validate'],
    ['expl\\t --ds\\t', 'explain|--dst'],
    ['--backend=iptables-l\\t', '--backend=iptables-legacy'],
    ['validate a\\t', 'validate|a config.yaml'],
    ['completion z\\t', 'completion|zsh'],
  ])('makes of %s', async (typed, line) => {
    expect(await completed(typed)).toBe(line);
  });
});
