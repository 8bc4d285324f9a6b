import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendName } from '../../src/backends/backend.ts';
import type { StaticZone } from '../dns/static-zone.ts';
import { backendNames } from './candidate.ts';
import { AgentProcess } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { MountNamespace } from './harness/mount-namespace.ts';
import { NameServer } from './harness/name-server.ts';
import { TestBed } from './harness/test-bed.ts';
import { addresses } from './harness/topology.ts';
import { get, scrape } from './observability/http-client.ts';

const http = '127.0.0.1:9101';
/** The shortest time between two questions is 5 s; on a busy machine five times that. */
const patient = { timeout: 25_000, interval: 250 };

const first = '203.0.113.8';
const second = '203.0.113.9';

describeKernel('DNS names among destinations', () => {
  let bed: TestBed;
  let dns: NameServer;
  let mounts: MountNamespace;

  beforeEach(async () => {
    bed = await TestBed.create();
    dns = await NameServer.start(bed.world, addresses.ipv4.world);
    mounts = await MountNamespace.create(bed.node);
    const resolvConf = join(bed.directory, 'resolv.conf');
    await writeFile(resolvConf, `nameserver ${addresses.ipv4.world}\noptions timeout:1 attempts:1\n`);
    await mounts.run('mount', '--bind', resolvConf, '/etc/resolv.conf');
  });
  afterEach(() => bed.close());

  async function start(config: string, zone: StaticZone, ...flags: string[]): Promise<AgentProcess> {
    await bed.config.write({ 'ip-masq-agent': config });
    await dns.serve(zone);
    return run(`--healthz-bind-address=${http}`, `--metrics-bind-address=${http}`, ...flags);
  }

  /** The agent, or one of its commands, with the DNS server of the test. */
  function run(...args: string[]): AgentProcess {
    return new AgentProcess(mounts, [...args, `--config=${bed.config.directory}`]);
  }

  async function outputOf(...args: string[]): Promise<{ code: number | null; text: string }> {
    const command = new AgentProcess(mounts, args);
    const { code } = await command.exited;
    return { code, text: command.output };
  }

  async function verdicts(...destinations: string[]): Promise<string[]> {
    const flows = destinations.map((destination) => ({
      source: destination.includes(':') ? addresses.ipv6.pod : addresses.ipv4.pod,
      destination,
    }));
    return (await bed.probe(flows)).map(({ verdict }) => verdict);
  }

  describe.each(backendNames)('%s', (backend) => {
    it('follow DNS, while addresses that left an answer stay', async () => {
      const config = 'nonMasqueradeCIDRs: [10.0.0.0/8, api.example.com]\nresyncInterval: 1h\n';
      const agent = await start(config, { 'api.example.com': { A: [first] } }, `--backend=${backend}`);
      await expect.poll(() => verdicts(first, second, '10.9.9.9'), patient).toEqual(['keep', 'masquerade', 'keep']);
      await agent.waitFor(/names resolved.*api\.example\.com: 203\.0\.113\.8/);

      await dns.serve({ 'api.example.com': { A: [second] } });
      await agent.waitFor(/rules changed.*nonMasqueradeCIDRs\.added.*203\.0\.113\.9\/32 \(api\.example\.com, /, {
        timeoutMs: patient.timeout,
      });
      expect(await verdicts(first, second)).toEqual(['keep', 'keep']);
      expect(await agent.stop()).toEqual({ code: 0, signal: null });
    });

    it('are masqueraded always where that is asked for', async () => {
      const config = 'masqueradeCIDRs: [api.example.com]\nmasqOutBound: false\n';
      const agent = await start(config, { 'api.example.com': { A: [first] } }, `--backend=${backend}`);
      await expect.poll(() => verdicts(first, second), patient).toEqual(['masquerade', 'keep']);
      await agent.stop();
    });

    it('keep what they kept while an agent is started anew and DNS does not answer', async () => {
      const config = 'nonMasqueradeCIDRs: [api.example.com]\nresyncInterval: 1s\n';
      const before = await start(config, { 'api.example.com': { A: [first] } }, `--backend=${backend}`);
      await expect.poll(() => verdicts(first, second), patient).toEqual(['keep', 'masquerade']);
      await before.stop();

      const agent = await start(config, { 'api.example.com': 'silence' }, `--backend=${backend}`);
      await agent.waitFor(/the rules found in the kernel stay until DNS answers/);
      await agent.waitFor(/names stand for nothing.*api\.example\.com/, { timeoutMs: patient.timeout });
      expect(await verdicts(first, second)).toEqual(['keep', 'masquerade']);
      expect(await get(bed.node, `http://${http}/readyz`)).toEqual({
        status: 503,
        body: 'the rules found in the kernel stay until DNS answers api.example.com, ten minutes at most\n',
      });

      await dns.serve({ 'api.example.com': { A: [first, second] } });
      await agent.waitFor(/rules applied/, { timeoutMs: patient.timeout });
      expect(await verdicts(first, second)).toEqual(['keep', 'keep']);
      expect(await get(bed.node, `http://${http}/readyz`)).toMatchObject({ status: 200 });
      await agent.stop();
    });
  });

  it.each<readonly [BackendName, BackendName]>([
    ['iptables-nft', 'nft'],
    ['nft', 'iptables-legacy'],
  ])('keep what an agent kept under %s until the one under %s knows better', async (former, backend) => {
    await bed.config.write({ 'ip-masq-agent': `nonMasqueradeCIDRs: [${first}/32]\n` });
    expect(await run(`--backend=${former}`, '--once').exited).toMatchObject({ code: 0 });

    const agent = await start(
      'nonMasqueradeCIDRs: [api.example.com]\n',
      { 'api.example.com': 'silence' },
      `--backend=${backend}`,
    );
    await agent.waitFor(/names stand for nothing/, { timeoutMs: patient.timeout });
    expect(await verdicts(first, second)).toEqual(['keep', 'masquerade']);

    await dns.serve({ 'api.example.com': { A: [first] } });
    await agent.waitFor(/removed what another agent or backend had left/, { timeoutMs: patient.timeout });
    expect(await verdicts(first, second)).toEqual(['keep', 'masquerade']);
    await agent.stop();
  });

  it('are resolved once for an agent that applies once', async () => {
    const config = 'nonMasqueradeCIDRs: [api.example.com, no.example.com]\n';
    const agent = await start(config, { 'api.example.com': { A: [first] } }, '--backend=nft', '--once');
    expect(await agent.exited).toEqual({ code: 0, signal: null });
    expect(await verdicts(first, second)).toEqual(['keep', 'masquerade']);
  });

  it('stand for nothing while DNS knows none of theirs, and change nothing else', async () => {
    const config = 'nonMasqueradeCIDRs: [no.example.com, 10.0.0.0/8, down.example.com]\nresyncInterval: 1s\n';
    const agent = await start(config, { 'down.example.com': 'silence' }, '--backend=nft');
    await agent.waitFor(/names stand for nothing.*no\.example\.com: it has no address/);
    await agent.waitFor(/names stand for nothing.*down\.example\.com: /, { timeoutMs: patient.timeout });
    expect(await verdicts('10.9.9.9', first)).toEqual(['keep', 'masquerade']);
    expect((await scrape(bed.node, `http://${http}/metrics`)).get('ip_masq_agent_names{state="idle"}')).toBe(2);

    await dns.serve({ 'no.example.com': { A: [first] }, 'down.example.com': 'silence' });
    await expect.poll(() => verdicts(first), patient).toEqual(['keep']);
    await agent.stop();
  });

  it('keep their last addresses while DNS is down', async () => {
    const config = 'nonMasqueradeCIDRs: [api.example.com]\nresyncInterval: 1s\n';
    const agent = await start(config, { 'api.example.com': { A: [first] } }, '--backend=nft');
    await expect.poll(() => verdicts(first, second), patient).toEqual(['keep', 'masquerade']);
    const known = agent.lines.length;
    for (const trouble of ['silence', 'SERVFAIL'] as const) {
      await dns.serve({ 'api.example.com': trouble });
      await agent.waitFor(/DNS does not answer; names keep their last addresses/, { timeoutMs: patient.timeout });
      expect(await verdicts(first)).toEqual(['keep']);
    }
    await dns.serve({ 'api.example.com': { A: [first] } });
    const from = agent.lines.length;
    await agent.waitFor(/names resolved/, { from, timeoutMs: patient.timeout });
    expect(agent.lines.slice(known).filter(({ text }) => text.includes('rules '))).toEqual([]);
    await agent.stop();
  });

  it('have 64 addresses, a chain of other names, or IPv6 only', async () => {
    const many = Array.from({ length: 64 }, (_, index) => `203.0.113.${index + 100}`);
    const zone: StaticZone = {
      'many.example.com': { A: many },
      'alias.example.com': { CNAME: 'one.example.net' },
      'one.example.net': { CNAME: 'two.example.net' },
      'two.example.net': { A: [first], AAAA: ['2001:db8:9::8'] },
      'six.example.com': { AAAA: ['2001:db8:9::6'] },
    };
    const config = 'nonMasqueradeCIDRs: [many.example.com, ALIAS.example.com, six.example.com]\n';
    const agent = await start(config, zone, '--backend=nft', '--enable-ipv6');
    const six = ['2001:db8:9::8', '2001:db8:9::6', '2001:db8:9::7'];
    await expect
      .poll(() => verdicts(...many, first, second, ...six), patient)
      .toEqual([...many.map(() => 'keep'), 'keep', 'masquerade', 'keep', 'keep', 'masquerade']);
    await agent.stop();
  });

  it('are told by status, explain and diff as the running agent has them, or as DNS does', async () => {
    const config = 'nonMasqueradeCIDRs: [10.0.0.0/8, api.example.com]\n';
    const agent = await start(config, { 'api.example.com': { A: [first] } }, '--backend=nft');
    await expect.poll(() => verdicts(first, second), patient).toEqual(['keep', 'masquerade']);
    // Looking asks the agent, not DNS.
    await dns.serve({ 'api.example.com': { A: [second] } });
    const status = await outputOf('status');
    expect(status).toMatchObject({ code: 0, text: expect.stringMatching(/names +api\.example\.com: 203\.0\.113\.8/) });
    const where = [`--config=${bed.config.directory}`, `--src=${addresses.ipv4.pod}`];
    const explained = await outputOf('explain', ...where, `--dst=${first}`);
    expect(explained.text).toMatch(/^keep: .*\n.*as an address of api\.example\.com \(step 8/m);

    const next = join(bed.directory, 'next');
    await writeFile(next, 'nonMasqueradeCIDRs: [10.0.0.0/8]\n');
    const changed = await outputOf('diff', next, `--config=${bed.config.directory}`, '--backend=nft');
    expect(changed).toMatchObject({ code: 4, text: expect.stringMatching(/keep -> masquerade: .*203\.0\.113\.9\/32/) });
    expect(changed.text).toContain('as an address of api.example.com');
    await agent.stop();
  });

  it.each(backendNames)(
    'are unknown to status under %s where no agent can be asked, and so no drift',
    async (backend) => {
      const config = 'nonMasqueradeCIDRs: [api.example.com, 10.0.0.0/8]\n';
      const agent = await start(
        config,
        { 'api.example.com': { A: [first, second] } },
        `--backend=${backend}`,
        '--once',
      );
      expect(await agent.exited).toMatchObject({ code: 0 });
      const status = () => outputOf('status', `--config=${bed.config.directory}`, `--backend=${backend}`);
      expect(await status()).toMatchObject({
        code: 0,
        text: expect.stringMatching(/names +api\.example\.com: not known/),
      });

      await bed.config.write({ 'ip-masq-agent': 'nonMasqueradeCIDRs: [api.example.com, 192.168.0.0/16]\n' });
      expect(await status()).toMatchObject({ code: 4, text: expect.stringMatching(/^DRIFTED/) });
    },
  );

  it('are refused where --allow-names is off', async () => {
    const config = 'nonMasqueradeCIDRs: [api.example.com]\n';
    const agent = await start(config, { 'api.example.com': { A: [first] } }, '--backend=nft', '--allow-names=false');
    await agent.waitFor(/config rejected.*a DNS name, while the flag --allow-names is false/);
    await agent.stop();
  });
});
