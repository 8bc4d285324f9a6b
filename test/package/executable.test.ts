import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { errorTable } from '../../src/errors.ts';
import { executable } from './build-executable.ts';

const directory = mkdtempSync(join(tmpdir(), 'executable-'));
afterAll(() => rmSync(directory, { recursive: true }));

const config = join(directory, 'config.yaml');
writeFileSync(config, 'nonMasqueradeCIDRs: [10.0.0.0/8]\n');

interface Result {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command; as root in a network of its own, since some change the rules of theirs. */
async function run(args: readonly string[], input = '', program = executable): Promise<Result> {
  const isRoot = process.getuid?.() === 0;
  const [tool = program, ...line] = isRoot ? ['unshare', '--net', program, ...args] : [program, ...args];
  const child = spawn(tool, line, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined).end(input);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code, stdout, stderr };
}

/** Every command, in ways that go well and that do not. */
const calls: Readonly<Record<string, readonly (readonly string[])[]>> = {
  run: [
    ['run', '--once', '--config', config],
    ['--once', '--config', config, '--log-format=json', '--v=4'],
  ],
  render: [['render', '--config', config]],
  validate: [
    ['validate', config],
    ['validate', '-'],
    ['validate', join(directory, 'absent')],
  ],
  explain: [['explain', '--config', config, '--src=10.0.0.1', '--dst=8.8.8.8']],
  diff: [['diff', '--config', config, '/etc/hostname']],
  connections: [
    ['connections', '--config', config],
    ['connections', '--config', config, '--rejudge', 'udp'],
  ],
  status: [['status', '--config', config]],
  cleanup: [['cleanup'], ['--cleanup']],
  completion: [
    ['completion', 'bash'],
    ['completion', 'zsh'],
  ],
  version: [['version'], ['--version']],
  help: [['help'], ['--help'], ['--nonsense']],
};

const advice: ReadonlySet<string> = new Set(Object.values(errorTable).map((kind) => kind.advice));

/** Whether a line is one that the agent says to its user, or logs. */
function isOwn(line: string): boolean {
  const isLogged = /^\d{4}-\d\d-\d\dT\S+ (?:warn|error) /.test(line) || /^\{"level":"(?:warn|error)"/.test(line);
  return isLogged || /^(?:ip-masq-agent|error|warning|passed over): /.test(line) || advice.has(line);
}

describe('the executable', () => {
  it('is tried with every command', () => {
    expect(Object.keys(calls)).toEqual(Object.keys(commands));
  });

  it.each(Object.values(calls).flat())('says nothing but its own words: %s %s %s %s', async (...args) => {
    const { stdout, stderr } = await run(args);
    expect(stdout + stderr).not.toBe('');
    expect(stderr.split('\n').filter((line) => line !== '' && !isOwn(line))).toEqual([]);
  });

  it('keeps stderr empty where all is well', async () => {
    for (const args of [['version'], ['--help'], ['render', '--config', config], ['validate', config]])
      expect(await run(args)).toMatchObject({ code: 0, stderr: '' });
  });

  it('reads standard input', async () => {
    expect(await run(['validate', '-'], 'masqLinkLocal: yes\n')).toMatchObject({
      code: 0,
      stdout: 'valid: standard input\n',
    });
  });

  it('knows what it is called', async () => {
    const baidu = join(directory, 'cce-ip-masq-agent');
    symlinkSync(executable, baidu);
    const ofIPv6 = 'nonMasqueradeCIDRs: ["fd00::/8"]\n';
    expect(await run(['validate', '-'], ofIPv6, baidu)).toMatchObject({ code: 0 });
    expect(await run(['validate', '-'], ofIPv6)).toMatchObject({ code: 1 });
  });
});
