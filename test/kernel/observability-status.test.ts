import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AgentProcess } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { MountNamespace } from './harness/mount-namespace.ts';
import { TestBed } from './harness/test-bed.ts';

const config = 'nonMasqueradeCIDRs: [10.0.0.0/8]\nresyncInterval: 1h\n';

describeKernel('status', () => {
  let bed: TestBed;
  beforeEach(async () => {
    bed = await TestBed.create();
    await bed.config.write({ 'ip-masq-agent': config });
  });
  afterEach(() => bed.close());

  /** What status prints and its exit code. */
  async function status(...flags: string[]): Promise<{ code: number | null; text: string }> {
    return outcomeOf(bed.startAgent('status', '--backend=nft', ...flags));
  }

  async function outcomeOf(command: AgentProcess): Promise<{ code: number | null; text: string }> {
    const { code } = await command.exited;
    return { code, text: command.output };
  }

  it('follows a node from nothing over in sync to drifted', async () => {
    expect(await status()).toMatchObject({ code: 4, text: expect.stringMatching(/^ABSENT: /) });
    const once = bed.startAgent('--backend=nft', '--once');
    expect(await once.exited).toMatchObject({ code: 0 });
    expect(await status()).toMatchObject({ code: 0, text: expect.stringMatching(/^IN SYNC: /) });

    await bed.node.run('nft', 'add', 'rule', 'inet', 'ip-masq-agent', 'postrouting', 'masquerade');
    const drifted = await status();
    expect(drifted).toMatchObject({ code: 4, text: expect.stringMatching(/^DRIFTED: /) });
    expect(drifted.text).toContain('chain postrouting was changed');
  });

  it('shows a chain that upstream left, and what others masquerade', async () => {
    await bed.startAgent('--backend=nft', '--once').exited;
    const nat = (...args: string[]) => bed.node.run('iptables-nft', '-t', 'nat', ...args);
    await nat('-N', 'IP-MASQ-AGENT');
    const comment = 'ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom';
    const match = ['-m', 'comment', '--comment', `${comment} IP-MASQ-AGENT chain`, '-m', 'addrtype', '!', '--dst-type'];
    await nat('-A', 'POSTROUTING', ...match, 'LOCAL', '-j', 'IP-MASQ-AGENT');
    await bed.node.run('iptables-legacy', '-t', 'nat', '-A', 'POSTROUTING', '-s', '10.244.0.0/16', '-j', 'MASQUERADE');

    const { code, text } = await status('--output=json');
    expect(code).toBe(4);
    expect(JSON.parse(text)).toMatchObject({
      state: 'drifted',
      backend: { name: 'nft' },
      differences: [],
      leftovers: { found: expect.arrayContaining(['iptables-nft ipv4: chain IP-MASQ-AGENT']), failures: [] },
      foreign: { found: [{ backend: 'iptables-legacy', rule: '-A POSTROUTING -s 10.244.0.0/16 -j MASQUERADE' }] },
    });
    const screen = await status();
    expect(screen.text).toMatch(/^leftovers +iptables-nft ipv4: /m);
    expect(screen.text).toMatch(/^foreign +iptables-legacy ipv4 nat POSTROUTING: -A POSTROUTING -s 10\.244\.0\.0\/16/m);
  });

  it('asks the running agent, and takes its flags where it has none of its own', async () => {
    const agent = bed.startAgent('--backend=nft', '--enable-ipv6', '--healthz-bind-address=127.0.0.1:9101');
    await agent.waitFor(/rules applied/);
    await bed.node.run('nft', 'delete', 'table', 'inet', 'ip-masq-agent');
    await agent.waitFor(/changed by somebody else/);

    const { code, text } = await outcomeOf(new AgentProcess(bed.node, ['status', '--output', 'json']));
    const order = (pid: number | 'self'): string => readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8');
    expect(order(agent.pid)).toBe(order('self'));
    expect(code).toBe(0);
    expect(JSON.parse(text)).toMatchObject({
      state: 'in-sync',
      flagsOf: agent.pid,
      config: { path: bed.config.directory },
      agents: [
        {
          pid: agent.pid,
          args: expect.arrayContaining(['--enable-ipv6']),
          report: { pid: agent.pid, ready: true, driftRepairs: 1, failure: null },
        },
      ],
    });
    // With other flags than the agent's, the same kernel is not what it should be.
    expect(await status()).toMatchObject({ code: 4 });

    await bed.config.write({ 'ip-masq-agent': 'nonMasqueradeCIDRs: [10.0.0.0/33]\n' });
    await agent.waitFor(/config rejected/);
    const bad = await outcomeOf(new AgentProcess(bed.node, ['status']));
    expect(bad).toMatchObject({
      code: 4,
      text: expect.stringMatching(/^CONFIG INVALID: .*\nIN SYNC: .* that last good/),
    });
    expect(bad.text).toMatch(/config on disk REJECTED \d{4}-/);
    const compared = await outcomeOf(new AgentProcess(bed.node, ['status', '--output=json']));
    expect(JSON.parse(compared.text)).toMatchObject({ state: 'in-sync', comparedWith: 'last-good-config' });
    await agent.stop();
    // Without the agent nobody knows what was in force.
    expect(await status()).toMatchObject({ code: 4, text: expect.stringMatching(/^UNKNOWN: the config is invalid/) });
  });

  it('tells of a config that was deleted', async () => {
    const agent = bed.startAgent('--backend=nft', '--healthz-bind-address=127.0.0.1:9101');
    await agent.waitFor(/rules applied/);
    await bed.config.write({});
    await agent.waitFor(/THE CONFIG WAS DELETED/);
    await agent.waitFor(/rules changed/);
    const { code, text } = await outcomeOf(new AgentProcess(bed.node, ['status']));
    expect(code).toBe(0);
    expect(text).toMatch(/CONFIG DELETED \d{4}-.*, defaults apply: \S+ip-masq-agent/);
    await agent.stop();
  });

  it('warns once of a config that is mounted with subPath, as the kubelet does it', async () => {
    // The root of the mount, as the kernel shows it, names the version of the volume.
    const version = join(bed.directory, 'kubernetes.io~configmap/config/..2026_01_02_03_04_05.678');
    const at = join(bed.directory, 'mounted');
    for (const directory of [version, at]) await mkdir(directory, { recursive: true });
    for (const file of [join(version, 'config'), join(at, 'ip-masq-agent')]) await writeFile(file, config);
    const mounts = await MountNamespace.create(bed.node);
    await mounts.run('mount', '--bind', join(version, 'config'), join(at, 'ip-masq-agent'));
    const agent = new AgentProcess(mounts, [`--config=${at}`, '--backend=nft']);
    await agent.waitFor(/rules applied/);
    const { text } = await outcomeOf(new AgentProcess(mounts, ['status', `--config=${at}`]));
    expect(text).toMatch(/warning: \S+\/mounted\/ip-masq-agent: is mounted with subPath/);
    await agent.stop();
    expect(agent.lines.filter((line) => line.text.includes('is mounted with subPath'))).toHaveLength(1);
  });

  it('believes nothing that another user runs, and asks nobody else on its port', async () => {
    const answer = 'HTTP/1.1 200 OK\\r\\n\\r\\n\\u001b[31mowned';
    const script = `process.setgroups([]); process.setgid(65534); process.setuid(65534);
      process.argv; require('net').createServer((socket) => socket.end('${answer}')).listen(9101, '127.0.0.1', () => console.log('up'));`;
    const line = [
      '-e',
      script,
      '--',
      'ip-masq-agent',
      'run',
      '--config=/etc/shadow',
      '--healthz-bind-address=127.0.0.1:9101',
    ];
    const { tool, args } = bed.node.inside(process.execPath, line);
    const impostor = spawn(tool, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(impostor.stdout, 'data');
    const alone = await outcomeOf(new AgentProcess(bed.node, ['status']));
    expect(alone.text).toContain('none seen running from here');
    expect(alone.text).not.toContain('shadow');

    const agent = bed.startAgent('--backend=nft', '--healthz-bind-address=127.0.0.1:9101');
    await agent.waitFor(/can't serve HTTP/);
    const beside = await outcomeOf(new AgentProcess(bed.node, ['status']));
    expect(beside.text).toMatch(/says nothing of itself: .* neither root nor the user of this command/);
    expect(beside.text).not.toContain('owned');
    impostor.kill();
    await agent.stop();
  });

  it('ends with exit code 3 where it may not look', async () => {
    // Still root, who can read the bundle wherever it lies, but without power over the network.
    const powerless = ['--bounding-set=-net_admin,-sys_admin', '--inh-caps=-all'];
    const line = [process.execPath, 'dist/ip-masq-agent.js', 'status', '--backend=nft'];
    const { exitCode, stderr } = await bed.runner.run({ tool: 'setpriv', args: [...powerless, ...line] });
    expect(stderr).toContain('Operation not permitted');
    expect(exitCode).toBe(3);
  });
});
