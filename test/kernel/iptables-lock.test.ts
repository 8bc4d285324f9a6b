import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { policyWith } from '../builders/policy.ts';
import type { AgentProcess } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { TestBed } from './harness/test-bed.ts';
import { changeNatTable, iptablesBackendOn, natTableOf } from './iptables-node.ts';

/** Twice as long as a tool waits for it. */
const heldSeconds = 10;
const policy = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'] }, ipv6: { keepDestinations: ['fd00::/8'] } });

describeKernel('while another program holds the xtables lock', () => {
  let bed: TestBed;
  let agent: AgentProcess | undefined;
  let holder: ChildProcess | undefined;
  beforeEach(async () => {
    bed = await TestBed.create();
    await bed.config.write({ config: 'nonMasqueradeCIDRs: [10.0.0.0/8, "fd00::/8"]\n' });
  });
  afterEach(async () => {
    holder?.kill();
    await agent?.stop();
    agent = undefined;
    await bed.close();
  });

  /** Takes the lock once nobody else has it, and gives it back when the process ends. */
  async function holdLock(): Promise<ChildProcess> {
    const lock = join(bed.directory, 'xtables.lock');
    const hold = ['--no-fork', lock, 'sh', '-c', `echo held; exec sleep ${heldSeconds}`];
    holder = spawn('flock', hold, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(holder.stdout ?? holder, 'data');
    return holder;
  }

  /** Returns when a legacy tool waits in the node: one that need not wait ends in a few milliseconds. */
  async function untilSomeoneWaits(): Promise<void> {
    const waiting = async () =>
      (await bed.node.run('ip', 'netns', 'pids', bed.node.name))
        .split('\n')
        .filter((pid) => pid !== '' && readComm(pid).startsWith('iptables-legac'));
    for (;;) {
      const [first] = await waiting();
      await sleep(200);
      if (first !== undefined && (await waiting()).includes(first)) return;
    }
  }

  function start(...args: string[]): AgentProcess {
    agent = bed.startAgent('--backend', 'iptables-legacy', '--enable-ipv6', ...args);
    return agent;
  }

  const backend = () => iptablesBackendOn(bed.node, 'legacy');

  it('the agent starts, waits, and applies its rules after the release', async () => {
    await changeNatTable(bed.node, 'legacy', 'ipv4', '-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE');
    const before = await natTableOf(bed.node, 'legacy', 'ipv4');
    const holding = await holdLock();
    const running = start();
    await running.waitFor(/xtables lock/);
    expect(holding.exitCode).toBeNull();
    expect(await natTableOf(bed.node, 'legacy', 'ipv4')).toEqual(before);
    await running.waitFor(/rules applied/, { timeoutMs: 60_000 });
    expect(await backend().observe(policy)).toEqual({ state: 'in-sync', differences: [] });
  });

  it('the agent goes on, and repairs its rules after the release', async () => {
    const running = start('--resync-interval', '1s');
    await running.waitFor(/rules applied/);
    await changeNatTable(bed.node, 'legacy', 'ipv6', '-F POSTROUTING', '-F IP-MASQ-AGENT');
    await holdLock();
    await running.waitFor(/xtables lock/);
    await running.waitFor(/repaired/, { timeoutMs: 60_000 });
    expect(await backend().observe(policy)).toEqual({ state: 'in-sync', differences: [] });
  });

  it('SIGTERM ends the wait', async () => {
    const running = start('--resync-interval', '1s');
    await running.waitFor(/rules applied/);
    const holding = await holdLock();
    await untilSomeoneWaits();
    expect(await running.stop()).toEqual({ code: 0, signal: null });
    expect(holding.exitCode).toBeNull();
    expect((await natTableOf(bed.node, 'legacy', 'ipv4')).length).toBeGreaterThan(0);
  });

  it('the nft flavour does not need it', async () => {
    const holding = await holdLock();
    await iptablesBackendOn(bed.node, 'nft').apply(policy);
    expect(holding.exitCode).toBeNull();
  });
});

function readComm(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8');
  } catch {
    // It ended in between.
    return '';
  }
}
