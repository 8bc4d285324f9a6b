import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BackendName } from '../../src/backends/backend.ts';
import { families } from '../../src/net/family.ts';
import { backendNames } from './candidate.ts';
import { AgentProcess } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { Flood } from './harness/flood/flood.ts';
import { TestBed } from './harness/test-bed.ts';
import { natTableOf } from './iptables-node.ts';
import { Killer, type Moment, moments } from './killer.ts';

/** Decided by the first rules of either config, so that the others cost the flood nothing. */
const plan = {
  kept: ['10.99.0.0/16', 'fd00:99::/32'],
  masqueraded: ['203.0.0.0/16', '2001:db8:203::/48'],
  rate: 5_000,
};

/** Enough for scripts that no pipe holds at once. */
const fillers: Readonly<Record<BackendName, number>> = { nft: 4_500, 'iptables-nft': 700, 'iptables-legacy': 700 };

/** Two configs whose lists are empty in the other one, and which mean the same for the flood. */
function configs(backend: BackendName): readonly [string, string] {
  const filler = Array.from({ length: fillers[backend] }, (_, index) => `172.${16 + (index >> 8)}.${index & 255}.0/25`);
  const kept = plan.kept.map((network) => `"${network}"`).join(', ');
  const forced = plan.masqueraded.map((network) => `"${network}"`).join(', ');
  return [
    `cidrLimit: 10000\nforceMasqueradeCIDRs: [${forced}]\nnonMasqueradeCIDRs: [${kept}, ${filler.join(', ')}]\n`,
    `cidrLimit: 10000\nnonMasqueradeCIDRs: [${kept}]\nnonMasqueradeSrcCIDRs: [192.0.2.0/24]\n`,
  ];
}

describeKernel('an agent that is killed with SIGKILL at any moment', () => {
  let bed: TestBed;
  let killer: Killer;
  beforeEach(async () => {
    bed = await TestBed.create();
    killer = await Killer.create(join(bed.directory, 'killer'));
  });
  afterEach(() => bed.close());

  const start = (backend: BackendName): AgentProcess => {
    const flags = [`--backend=${backend}`, '--enable-ipv6', '--resync-interval=1h'];
    return new AgentProcess(bed.node, ['--config', bed.config.directory, ...flags], { PATH: killer.path });
  };

  /** All that a backend has in the kernel. Objects of nft come in the order in which they were made. */
  async function rules(backend: BackendName): Promise<readonly string[]> {
    if (backend === 'nft') {
      const listing = await bed.node.run('nft', '-s', 'list', 'table', 'inet', 'ip-masq-agent');
      return listing.split(/\n(?=\t\S)/).sort();
    }
    const flavour = backend === 'iptables-nft' ? 'nft' : 'legacy';
    return (await Promise.all(families.map((family) => natTableOf(bed.node, flavour, family)))).flat();
  }

  /** Starts an agent that nobody kills, and lets it do whatever there is to do. */
  async function recover(backend: BackendName): Promise<AgentProcess> {
    await killer.disarm();
    const agent = start(backend);
    await agent.waitFor(/rules applied|the kernel holds its rules already/);
    // Whatever the killed one left is no trouble at all.
    expect(agent.lines.filter(({ text }) => / error /.test(text))).toEqual([]);
    return agent;
  }

  /** Whether the agent is killed before it has done its work, and what kills it is over. `from` skips its first lines. */
  async function isKilled(agent: AgentProcess, work: RegExp, from = 0): Promise<boolean> {
    const ended = agent.exited.then(({ signal }) => signal === 'SIGKILL');
    const done = agent.waitFor(work, { from }).then(
      () => false,
      () => ended,
    );
    const killed = await Promise.race([ended, done]);
    if (killed) await expect.poll(() => killer.isDone(), { timeout: 20_000 }).toBe(true);
    return killed;
  }

  it.each(backendNames)('leaves no process behind, whatever it does: %s', { timeout: 60_000 }, async (backend) => {
    const [one, other] = configs(backend);
    const processes = (): string[] =>
      execFileSync('ip', ['netns', 'pids', bed.node.name], { encoding: 'utf8' }).split('\n').filter(Boolean);
    const before = processes();
    await bed.config.write({ config: one });
    const idle = await recover(backend);
    // Nothing runs beside it while it waits.
    await expect.poll(processes, { timeout: 10_000 }).toEqual([...before, String(idle.pid)]);
    idle.signal('SIGKILL');
    await idle.exited;
    expect(processes()).toEqual(before);

    const busy = await recover(backend);
    const from = busy.lines.length;
    await bed.config.write({ config: other });
    await expect.poll(() => processes().length, { interval: 1, timeout: 10_000 }).toBeGreaterThan(before.length + 1);
    busy.signal('SIGKILL');
    await busy.exited;
    expect(busy.lines.slice(from).join('\n')).not.toMatch(/rules changed/);
    // The tool that ran ends when its work is done.
    await expect.poll(processes, { timeout: 10_000 }).toEqual(before);
  });

  it.each(backendNames)(
    'has the right rules after its next start, and never a gap: %s',
    {
      timeout: 300_000,
    },
    async (backend) => {
      const [one, other] = configs(backend);
      // What either config looks like where nothing went wrong.
      await bed.config.write({ config: one });
      let agent = await recover(backend);
      const rulesOfOne = await rules(backend);
      await bed.config.write({ config: other });
      await agent.waitFor(/rules changed/);
      const turns = [
        { config: one, expected: rulesOfOne },
        { config: other, expected: await rules(backend) },
      ];
      const flood = await Flood.start(bed, plan);
      const kills: string[] = [];

      /** Goes on to another config and is killed on the way, unless there are fewer transactions than `at`. */
      const isKilledAt = async (what: string, moment: Moment, at: number, config: string): Promise<boolean> => {
        if (what === 'reload') {
          const from = agent.lines.length;
          await killer.arm(moment, at);
          await bed.config.write({ config });
          return isKilled(agent, /rules changed/, from);
        }
        agent.signal('SIGKILL');
        await agent.exited;
        await bed.config.write({ config });
        await killer.arm(moment, at);
        agent = start(backend);
        return isKilled(agent, /rules applied/);
      };

      /** Goes there and back; gives whether it was killed on the way. */
      const killAndRecover = async (what: string, moment: Moment, at: number): Promise<boolean> => {
        const before = kills.length;
        for (const { config, expected } of turns) {
          if (!(await isKilledAt(what, moment, at, config))) continue;
          kills.push(`${what} ${moment} ${at}`);
          agent = await recover(backend);
          expect(await rules(backend), kills.at(-1)).toEqual(expected);
        }
        return kills.length > before;
      };

      for (const what of ['reload', 'start']) {
        for (const moment of moments) {
          let at = 1;
          while (await killAndRecover(what, moment, at)) at++;
        }
      }
      const counts = await flood.stop();
      process.stdout.write(`${backend}: killed ${kills.length} times: ${JSON.stringify(counts)}\n`);
      for (const what of ['reload', 'start'])
        for (const moment of moments) expect(kills).toContain(`${what} ${moment} 1`);
      expect(counts).toMatchObject({ kept: { wrong: 0 }, masqueraded: { wrong: 0 } });
      expect(counts.kept.right).toBeGreaterThan(5_000);
      expect(counts.masqueraded.right).toBeGreaterThan(5_000);
    },
  );
});
