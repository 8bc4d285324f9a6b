import { describe, expect, it } from 'vitest';
import { asAgent } from '../../../src/cli/running-agents.ts';

function processOf(args: readonly string[], executable = '/usr/bin/node') {
  return { pid: 7, args, executable, isTrusted: true, startedAt: new Date(0) };
}

describe('asAgent', () => {
  it.each([
    ['the bundle', ['node', '--max-semi-space-size=1', '/opt/dist/ip-masq-agent.js', '--enable-ipv6'], '/usr/bin/node'],
    [
      'the command that npm links',
      ['/usr/bin/node26', '/usr/local/bin/ip-masq-agent', '--enable-ipv6'],
      '/usr/bin/node',
    ],
    ['the executable that this process runs', ['/ip-masq-agent', 'run', '--enable-ipv6'], process.execPath],
  ])('knows %s', (_, args, executable) => {
    const [agent] = asAgent(processOf(args, executable));
    expect(agent?.pid).toBe(7);
    expect(agent?.agentArgs.at(-1)).toBe('--enable-ipv6');
    expect(agent?.commandLine.flags['enable-ipv6']).toBe(true);
  });

  it.each([
    ['upstream, whose agent has the same name', ['/ip-masq-agent', '--enable-ipv6'], '/ip-masq-agent'],
    ['a shell that starts one', ['sh', '-c', 'node ip-masq-agent.js'], '/bin/sh'],
    ['an editor', ['vim', 'ip-masq-agent.js'], '/usr/bin/vim'],
    ['another command of ours', ['node', 'dist/ip-masq-agent.js', 'status'], '/usr/bin/node'],
    ['one that is about to end over its flags', ['node', 'dist/ip-masq-agent.js', '--nonsense'], '/usr/bin/node'],
    ['a kernel thread', [], '/usr/bin/node'],
  ])('does not take for an agent %s', (_, args, executable) => {
    expect(asAgent(processOf(args, executable))).toEqual([]);
  });
});
