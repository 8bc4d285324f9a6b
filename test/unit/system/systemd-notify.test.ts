import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../src/errors.ts';
import type { Command, Runner } from '../../../src/system/run.ts';
import { serviceManagerOf } from '../../../src/system/systemd-notify.ts';
import { fakeRunner } from '../../fakes/runner.ts';

const socket = { NOTIFY_SOCKET: '/run/systemd/notify' };

function fail(reason: string): never {
  throw new Error(`unexpected: ${reason}`);
}

describe('the service manager', () => {
  it('is nobody where NOTIFY_SOCKET is not set', () => {
    expect(serviceManagerOf({}, fakeRunner([]), fail)).toBeUndefined();
    expect(serviceManagerOf({ NOTIFY_SOCKET: '' }, fakeRunner([]), fail)).toBeUndefined();
  });

  it('is told one thing after the other', async () => {
    const runner = fakeRunner([
      { tool: 'systemd-notify', args: ['READY=1', 'STATUS=two words'] },
      { tool: 'systemd-notify', args: ['WATCHDOG=1'] },
    ]);
    const manager = serviceManagerOf(socket, runner, fail);
    manager?.notify('READY=1', 'STATUS=two words');
    manager?.notify('WATCHDOG=1');
    await new Promise(setImmediate);
    runner.assertDone();
  });

  it('is not told the second thing before the first has arrived', async () => {
    const first = Promise.withResolvers<void>();
    const begun: string[] = [];
    const runner: Runner = {
      async run({ args }) {
        begun.push(args.join(' '));
        await first.promise;
        return { exitCode: 0, stdout: '', stderr: '' };
      },
    };
    const manager = serviceManagerOf(socket, runner, fail);
    manager?.notify('RELOADING=1');
    manager?.notify('READY=1');
    await new Promise(setImmediate);
    expect(begun).toEqual(['RELOADING=1']);
    first.resolve();
    await new Promise(setImmediate);
    expect(begun).toEqual(['RELOADING=1', 'READY=1']);
  });

  it.each([
    ['is missing', new AgentError('TOOL_MISSING', 'systemd-notify is not installed'), 'not installed'],
    ['fails', { exitCode: 1, stderr: 'No such socket\n' }, 'exit code 1: No such socket'],
  ])('is still told where its tool %s, which is said once each time it begins', async (_, outcome, named) => {
    const failures: string[] = [];
    const [bad, good] = [
      { tool: 'systemd-notify', args: ['WATCHDOG=1'], outcome },
      { tool: 'systemd-notify', args: ['WATCHDOG=1'] },
    ];
    const runner = fakeRunner([bad, bad, good, bad]);
    const manager = serviceManagerOf(socket, runner, (reason) => failures.push(reason));
    for (let times = 0; times < 4; times++) manager?.notify('WATCHDOG=1');
    await new Promise(setImmediate);
    runner.assertDone();
    expect(failures).toEqual([expect.stringContaining(named), expect.stringContaining(named)]);
  });

  it('hears the last thing at once, in place of what was still to be told', async () => {
    const commands: Command[] = [];
    const runner: Runner = {
      run(command) {
        commands.push(command);
        if (!command.signal) return Promise.resolve({ exitCode: 0, stdout: '', stderr: '' });
        const { promise, reject } = Promise.withResolvers<never>();
        const abort = () => reject(new AgentError('ABORTED', 'ended'));
        if (command.signal.aborted) abort();
        command.signal.addEventListener('abort', abort);
        return promise;
      },
    };
    const manager = serviceManagerOf(socket, runner, fail);
    manager?.notify('WATCHDOG=1');
    await manager?.close('STOPPING=1');
    expect(commands.at(-1)).toMatchObject({ args: ['STOPPING=1'], timeoutMs: 500 });
  });

  it.each([
    ['no limit', {}, undefined],
    ['a limit', { WATCHDOG_USEC: '3000000' }, 1_500],
    ['a limit for this process', { WATCHDOG_USEC: '3000000', WATCHDOG_PID: String(process.pid) }, 1_500],
    ['a limit for another process', { WATCHDOG_USEC: '3000000', WATCHDOG_PID: '1' }, undefined],
    ['a limit that is none', { WATCHDOG_USEC: 'soon' }, undefined],
  ])('with %s of its watchdog', (_, environment, expected) => {
    expect(serviceManagerOf({ ...socket, ...environment }, fakeRunner([]), fail)?.watchdogMs).toBe(expected);
  });
});
