import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AgentProcess } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { TestBed } from './harness/test-bed.ts';

/** No two of them are adjacent, so that nothing can be merged. */
const cidrs = Array.from(
  { length: 100_000 },
  (_, index) => `10.${index >> 15}.${(index >> 7) & 255}.${(index & 127) * 2}/32`,
);
const config = `cidrLimit: 200000\nnonMasqueradeCIDRs:\n${cidrs.map((cidr) => `- ${cidr}\n`).join('')}`;
const table = ['inet', 'ip-masq-agent'] as const;

/** Too little for nft to load or list as many elements (about 100 MB), and plenty for a few. */
const limited = 'ulimit -v 60000; exec /usr/sbin/nft "$@"';

describeKernel('a list of 100,000 CIDRs', () => {
  let bed: TestBed;
  beforeEach(async () => {
    bed = await TestBed.create();
    await mkdir(join(bed.directory, 'bin'));
    await bed.config.write({ config: 'nonMasqueradeCIDRs: [203.0.113.0/24]\n' });
  });
  afterEach(() => bed.close());

  async function replaceNft(script: string): Promise<void> {
    const path = join(bed.directory, 'bin', 'nft');
    await writeFile(`${path}.new`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    await rename(`${path}.new`, path);
  }

  const ruleset = (): Promise<string> => bed.node.run('nft', '-a', 'list', 'ruleset');

  /** The name of the one set, which ends with the policy's hash. */
  async function setName(): Promise<string> {
    const listing = await bed.node.run('nft', '-t', 'list', 'table', ...table);
    return /set (keep-destinations-ipv4-\S+)/.exec(listing)?.[1] ?? '';
  }

  async function verdicts(...destinations: string[]): Promise<string[]> {
    const found = await bed.probe(destinations.map((destination) => ({ source: '10.244.7.2', destination })));
    return found.map(({ verdict }) => verdict);
  }

  const everyOther = ['10.0.0.0', '10.0.0.1', '10.3.13.62', '10.3.13.63'];
  const asWanted = ['keep', 'masquerade', 'keep', 'masquerade'];

  it('leaves the old rules where nft has no memory for it, is applied when it has, repaired and checked', {
    timeout: 240_000,
  }, async () => {
    await replaceNft(limited);
    const PATH = `${join(bed.directory, 'bin')}:/usr/bin:/bin`;
    const args = ['--config', bed.config.directory, '--backend=nft', '--resync-interval=1h', '--log-level=debug'];
    const agent = new AgentProcess(bed.node, args, { PATH });
    await agent.waitFor(/rules applied/);
    const before = await ruleset();
    await bed.config.write({ config });
    const line = await agent.waitFor(/error .*code=/, { timeoutMs: 60_000 });
    expect(line.text).toMatch(/Memory allocation failure.*memory limit.*code=KERNEL_RESOURCE/);
    expect(await ruleset()).toBe(before);

    await replaceNft('exec /usr/sbin/nft "$@"');
    const changed = await agent.waitFor(/rules changed/, { timeoutMs: 120_000 });
    expect(await verdicts(...everyOther)).toEqual(asWanted);

    // No resync comes to help: the kernel has to tell of it, through a socket which such a list overflows.
    const injure = async () => {
      const injured = agent.lines.length;
      await bed.node.feed(`delete element ${table.join(' ')} ${await setName()} { 10.0.0.0 }\n`, 'nft', '-f', '-');
      await agent.waitFor(/repaired/, { from: injured, timeoutMs: 120_000 });
      expect(await verdicts(...everyOther)).toEqual(asWanted);
    };
    await injure();
    const reloaded = agent.lines.length;
    await bed.config.write({ config: `${config}masqLinkLocal: true\nnonMasqueradeSrcCIDRs: [192.0.2.0/24]\n` });
    await agent.waitFor(/rules changed/, { from: reloaded, timeoutMs: 120_000 });
    await injure();

    const from = agent.lines.length;
    agent.signal('SIGHUP');
    // One look answers the signal and what the kernel may still have to tell of.
    const checked = await agent.waitFor(/rules in sync.*verifiedBy=read/, { from, timeoutMs: 60_000 });
    process.stdout.write(`${changed.text.slice(-60)}\n${checked.text}\n`);
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
  });
});
