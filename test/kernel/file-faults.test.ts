import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AgentProcess } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { MountNamespace } from './harness/mount-namespace.ts';
import { TestBed } from './harness/test-bed.ts';

const keepTen = 'nonMasqueradeCIDRs: [10.0.0.0/8]\n';
const keepMore = 'nonMasqueradeCIDRs: [10.0.0.0/8, 203.0.113.0/24]\n';
const key = 'ip-masq-agent';

/** As in the container of the manifests: root without the right to read what its mode forbids. */
const likeInContainer = ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all'] as const;

describeKernel('the files of an agent', () => {
  let bed: TestBed;
  let mounts: MountNamespace;
  beforeEach(async () => {
    bed = await TestBed.create();
    mounts = await MountNamespace.create(bed.node);
    await bed.config.write({ [key]: keepTen });
  });
  afterEach(() => bed.close());

  const flags = ['--backend=nft', '--resync-interval=1s'] as const;

  /** With handles: what was written anew differs from what was left alone. */
  const ruleset = (): Promise<string> => bed.node.run('nft', '-a', 'list', 'ruleset');

  async function start(config: string, ...prefix: readonly string[]): Promise<AgentProcess> {
    const inside = (tool: string, args: readonly string[]) => {
      const [first = tool, ...rest] = [...prefix, tool, ...args];
      return mounts.inside(first, rest);
    };
    const agent = new AgentProcess({ inside }, [`--config=${config}`, ...flags]);
    await agent.waitFor(/rules applied/);
    return agent;
  }

  async function expectKept(destination: string): Promise<void> {
    const [verdict] = await bed.probe([{ source: '10.244.7.2', destination }]);
    expect(verdict?.verdict).toBe('keep');
  }

  /** What is wrong for several passes is told once, changes nothing, and is over when it is mended. */
  async function expectRejection(agent: AgentProcess, message: RegExp, mend: () => Promise<void>): Promise<void> {
    const before = await ruleset();
    await agent.waitFor(message);
    await sleep(2_500);
    expect(await ruleset()).toBe(before);
    expect(agent.lines.filter(({ text }) => /rejected/.test(text))).toHaveLength(1);
    await mend();
    await agent.waitFor(/rules changed/);
    await expectKept('203.0.113.8');
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
  }

  it('that it may not read any more are told, and read when it may again', async () => {
    const file = join(bed.directory, 'config.yaml');
    await writeFile(file, keepTen);
    const agent = await start(file, ...likeInContainer);
    await chmod(file, 0);
    await writeFile(file, keepMore);
    await expectRejection(agent, /config rejected.*permission denied \(EACCES\)/, () => chmod(file, 0o600));
  });

  it('with a directory in the place of one are told, and read when it is a file', async () => {
    const directory = join(bed.directory, 'plain');
    await mkdir(directory);
    await writeFile(join(directory, key), keepTen);
    const agent = await start(directory);
    await rm(join(directory, key));
    await mkdir(join(directory, key));
    await expectRejection(agent, /config rejected.*not a file that holds a config/, async () => {
      await rm(join(directory, key), { recursive: true });
      await writeFile(join(directory, key), keepMore);
    });
  });

  it('on a volume that goes and comes back are followed, though no event tells of it', async () => {
    const mountPoint = join(bed.directory, 'mounted');
    await mkdir(mountPoint);
    await mounts.run('mount', '--bind', bed.config.directory, mountPoint);
    const agent = await start(mountPoint);
    await mounts.run('umount', '--lazy', mountPoint);
    // Without files the defaults apply.
    await agent.waitFor(/rules changed .*192\.168\.0\.0\/16/);
    await expectKept('192.168.1.1');
    await bed.config.write({ [key]: keepMore });
    await mounts.run('mount', '--bind', bed.config.directory, mountPoint);
    await agent.waitFor(/rules changed .*203\.0\.113\.0\/24/);
    await expectKept('203.0.113.8');
    // The watch is on what was there before; every change is left to the resync.
    await bed.config.write({ [key]: keepTen });
    await agent.waitFor(/rules changed .*removed="203\.0\.113\.0\/24/);
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
  });

  it('hidden by another volume, whose events are lost, are read at the next resync', async () => {
    const other = join(bed.directory, 'other');
    await mkdir(other);
    await writeFile(join(other, key), keepMore);
    const agent = await start(bed.config.directory);
    await mounts.run('mount', '--bind', other, bed.config.directory);
    await agent.waitFor(/rules changed .*203\.0\.113\.0\/24/);
    await expectKept('203.0.113.8');
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
  });

  it('on a node without inotify to spare are read at resyncs, and it says so', async () => {
    // The limit is one of a user namespace, which may only own a network of its own: the rules are seen in the log.
    const noInotify = 'echo 0 >/proc/sys/user/max_inotify_instances && exec "$@"';
    const inside = (tool: string, args: readonly string[]) =>
      bed.node.inside('unshare', ['--user', '--map-root-user', '--net', 'sh', '-c', noInotify, 'sh', tool, ...args]);
    const agent = new AgentProcess({ inside }, [`--config=${bed.config.directory}`, ...flags, '--log-level=debug']);
    try {
      await agent.waitFor(/warn .*the config can't be watched, resyncs see its changes/);
      await agent.waitFor(/rules in sync.*trigger=resync/);
      await bed.config.write({ [key]: keepMore });
      await agent.waitFor(/rules changed .*203\.0\.113\.0\/24.*trigger=resync/);
      await bed.config.write({ [key]: keepTen });
      await agent.waitFor(/rules changed .*removed="203\.0\.113\.0\/24/);
      // The directory, and what the kubelet keeps in it.
      expect(agent.lines.filter(({ text }) => text.includes("can't be watched")).length).toBeLessThanOrEqual(2);
    } finally {
      expect(await agent.stop()).toEqual({ code: 0, signal: null });
    }
  });

  it('in a directory that does not exist yet are read at a resync once they are there', async () => {
    const late = join(bed.directory, 'not', 'yet');
    const agent = await start(join(late, 'config.yaml'));
    await mkdir(late, { recursive: true });
    await writeFile(join(late, 'config.yaml'), keepMore);
    await agent.waitFor(/rules changed .*203\.0\.113\.0\/24/);
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
  });

  it('that change a hundred times a second are taken whole, and the last of them last', async () => {
    const pair = (index: number) => ({
      'ip-masq-1': `nonMasqueradeCIDRs: [10.${index}.0.0/16]\n`,
      'ip-masq-2': `nonMasqueradeSrcCIDRs: [10.${index}.0.0/16]\n`,
    });
    await bed.config.write(pair(0));
    const agent = await start(bed.config.directory);
    const writes = 240;
    let looks = 0;
    const writing = (async () => {
      for (let index = 1; index <= writes; index++) {
        await Promise.all([bed.config.write(pair(index)), sleep(10)]);
      }
    })();
    for (let isOver = false; !isOver; looks++) {
      isOver = await Promise.race([writing.then(() => true), sleep(20).then(() => false)]);
      const listing = await bed.node.run('nft', '-s', 'list', 'table', 'inet', 'ip-masq-agent');
      const rules = /chain postrouting \{([^}]*)\}/.exec(listing)?.[1] ?? '';
      const elements = (list: string): string | undefined => {
        const set = new RegExp(`@(${list}-\\S+)`).exec(rules)?.[1];
        return new RegExp(`set ${set} \\{[^}]*elements = \\{ ([^}]*) \\}`).exec(listing)?.[1];
      };
      expect(elements('keep-sources')).toMatch(/^10\.\d+\.0\.0\/16$/);
      // Link-local destinations stand in the same set.
      expect(elements('keep-destinations')).toBe(`${elements('keep-sources')}, 169.254.0.0/16`);
    }
    await agent.waitFor(new RegExp(`rules changed .*added="10\\.${writes}\\.0\\.0/16`));
    expect(looks).toBeGreaterThan(10);
    expect(agent.lines.filter(({ text }) => / (?:warn|error) /.test(text))).toEqual([]);
    expect(agent.lines.filter(({ text }) => /rules changed/.test(text)).length).toBeLessThanOrEqual(writes);
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
  });

  it('that it logs to may be full: the rules come first, and it goes on to log when there is room', async () => {
    const disk = join(bed.directory, 'disk');
    await mkdir(disk);
    await mounts.run('mount', '-t', 'tmpfs', '-o', 'size=4k', 'none', disk);
    await mounts.run('sh', '-c', `head -c 8192 /dev/zero >${disk}/log || true`);
    const inside = (tool: string, args: readonly string[]) =>
      mounts.inside('sh', ['-c', `exec "$@" >>${disk}/log 2>/dev/full`, 'sh', tool, ...args]);
    const agent = new AgentProcess({ inside }, [`--config=${bed.config.directory}`, ...flags]);
    const verdict = async (destination: string) =>
      (await bed.probe([{ source: '10.244.7.2', destination }]))[0]?.verdict;
    await expect.poll(() => verdict('203.0.113.8'), { timeout: 20_000 }).toBe('masquerade');
    await bed.config.write({ [key]: keepMore });
    await expect.poll(() => verdict('203.0.113.8'), { timeout: 20_000 }).toBe('keep');
    const log = (): Promise<string> => mounts.run('cat', join(disk, 'log'));
    expect(await log()).not.toContain('rules');
    await mounts.run('truncate', '--size=0', join(disk, 'log'));
    await bed.config.write({ [key]: keepTen });
    await expect.poll(log, { timeout: 20_000 }).toContain('rules changed');
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
    expect(await readFile(join(bed.config.directory, key), 'utf8')).toBe(keepTen);
  });
});
