import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { bundle } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { TestBed } from './harness/test-bed.ts';
import { get } from './observability/http-client.ts';

/** Fills a pipe that its reader does not read, gives it to the agent for stdout and stderr, and becomes the agent. */
const intoFullPipe = `
  mkfifo "$1"
  sleep 1000 < "$1" &
  exec 3> "$1"
  dd if=/dev/zero of="$1" bs=4096 oflag=nonblock 2> /dev/null
  shift
  exec "$@" >&3 2>&3 3>&-
`;

describeKernel('an agent whose log nobody reads', () => {
  let bed: TestBed;
  beforeEach(async () => {
    bed = await TestBed.create();
  });
  afterEach(() => bed.close());

  it('does its work and ends within a second', async () => {
    await bed.config.write({ 'ip-masq-agent': 'nonMasqueradeCIDRs: [10.0.0.0/8]\nresyncInterval: 1s\n' });
    const flags = [`--config=${bed.config.directory}`, '--backend=nft', '--healthz-bind-address=127.0.0.1:9101'];
    const agent = [process.execPath, bundle, ...flags, '--log-level=debug'];
    const { tool, args } = bed.node.inside('sh', ['-c', intoFullPipe, 'sh', join(bed.directory, 'log'), ...agent]);
    const child = spawn(tool, args, { stdio: 'ignore' });
    const exited = once(child, 'exit');
    const ready = async () => (await get(bed.node, 'http://127.0.0.1:9101/readyz')).status;
    await vi.waitFor(async () => expect(await ready()).toBe(200), { timeout: 20_000, interval: 100 });
    const asked = performance.now();
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    // The contract says a second.
    expect(performance.now() - asked).toBeLessThan(5_000);
  });
});
