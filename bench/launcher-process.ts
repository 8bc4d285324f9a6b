/** Starts programs where it runs itself, and tells when they start and end. It ends with the channel to its parent. */
import { type ChildProcess, spawn } from 'node:child_process';
import { monotonicMs } from './clock.ts';
import { type LaunchReport, launchOrder } from './launcher-messages.ts';

const running = new Set<ChildProcess>();

function report(message: LaunchReport): void {
  process.send?.(message);
}

process.on('message', (message) => {
  const { order, command } = launchOrder.parse(message);
  const [program = '', ...args] = command;
  const at = monotonicMs();
  // As shipped, what an agent prints goes through a pipe.
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const pid = child.pid ?? 0;
  running.add(child);
  let complaints = '';
  child.stdout.resume();
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaints = `${complaints}${text}`.slice(-2_000);
  });
  child.on('error', (cause) => process.stderr.write(`${program}: ${cause.message}\n`));
  child.on('exit', () => report({ order, kind: 'exited', pid, at: monotonicMs() }));
  child.on('close', (code) => {
    running.delete(child);
    if (code) process.stderr.write(`${program} ended with ${code}: ${complaints}\n`);
  });
  report({ order, kind: 'started', pid, at });
});
process.on('disconnect', () => {
  for (const child of running) child.kill('SIGKILL');
  process.exit();
});
report({ order: 0, kind: 'ready', pid: process.pid, at: monotonicMs() });
