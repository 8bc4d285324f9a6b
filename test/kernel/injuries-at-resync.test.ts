import { describe, expect, it } from 'vitest';
import { table } from '../../src/backends/nft/names.ts';
import { AgentProcess, nodeOptions } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { Flood, type FloodPlan } from './harness/flood/flood.ts';
import { TestBed } from './harness/test-bed.ts';
import { describeRepairs, InjuredFlood, type Repair } from './injured-flood.ts';
import { harmlessDamages, iptablesDamages } from './iptables-damages.ts';
import { flavours, natTableOf } from './iptables-node.ts';
import { blocksOf, configOfInjuries, floodOfInjuries, injuriesThat } from './nft-injuries.ts';

/** Something that hurts the rules of an agent. */
interface Injury {
  readonly name: string;
  readonly harms: boolean;
  injure(): Promise<unknown>;
}

interface Patient {
  readonly title: string;
  readonly bed: TestBed;
  readonly agent: AgentProcess;
  readonly plan: FloodPlan;
  readonly injuries: readonly Injury[];
  /** The rules in a form in which equal ones are equal. */
  rules(): Promise<unknown>;
}

const resync = ['--resync-interval', '1s', '--log-level', 'debug'] as const;
/** Node gives no access to netlink then. */
const deaf = [...nodeOptions, '--no-experimental-ffi'];

/** The agents wait for their resyncs most of the time, so they wait together. */
describeKernel('injuries that nobody tells of, under a flood', () => {
  describe.concurrent('are repaired by the next resync', { timeout: 300_000 }, () => {
    describe.each([10, 10_000])('on nft, with %i CIDRs', (cidrs) => {
      it.each([
        ['which do harm', true],
        ['which do none, repair included', false],
      ])('%s', (_, harm) => withTestBed(async (bed) => expectRecovery(await nftPatient(bed, cidrs, harm))));
    });

    it.each(flavours)('on iptables-%s', (flavour) =>
      withTestBed(async (bed) => expectRecovery(await iptablesPatient(bed, flavour))),
    );
  });
});

async function withTestBed(use: (bed: TestBed) => Promise<void>): Promise<void> {
  const bed = await TestBed.create();
  try {
    await use(bed);
  } finally {
    await bed.close();
  }
}

async function expectRecovery({ title, bed, agent, plan, injuries, rules }: Patient): Promise<void> {
  const before = await rules();
  const flood = await Flood.start(bed, { ...plan, rate: 2_000 });
  const injured = await InjuredFlood.start(flood, agent);
  const repairs: Repair[] = [];
  for (const { name, harms, injure } of injuries) {
    const repair = await injured.suffer(name, injure);
    repairs.push(repair);
    expect(repair.text, name).toMatch(/trigger=(resync|foreign-change) /);
    expect(await rules(), name).toEqual(before);
    expect(repair, name).toMatchObject(harms ? { wrongElse: 0 } : { wrongElse: 0, wrong: 0 });
    expect(repair.overlooked, name).toBeLessThanOrEqual(1);
    expect(repair.rightAfter, name).toBeGreaterThan(0);
  }
  await flood.stop();
  process.stdout.write(describeRepairs(`${title}, at a resync every second:`, repairs));
  expect(agent.lines.filter(({ text }) => / error (?!another program keeps changing)/.test(text))).toEqual([]);
}

/** An agent that can't hear the kernel: it sees changes at a resync, or at one of its looks every five seconds. */
async function nftPatient(bed: TestBed, cidrs: number, harm: boolean): Promise<Patient> {
  await bed.config.write({ 'ip-masq-agent': configOfInjuries(cidrs) });
  const args = ['--config', bed.config.directory, '--backend', 'nft', ...resync];
  const agent = new AgentProcess(bed.node, args, {}, deaf);
  await agent.waitFor(/rules applied/);
  await agent.waitFor(/can't be heard from the kernel/);

  const listing = (...options: string[]) => bed.node.run('nft', ...options, '-s', 'list', 'table', ...table.split(' '));
  return {
    title: `nft with ${cidrs} CIDRs`,
    bed,
    agent,
    plan: floodOfInjuries,
    injuries: injuriesThat(harm, cidrs).map(([name, { harms, script }]) => ({
      name,
      harms,
      injure: async () => bed.node.feed(`${script(await listing('-t'))}\n`, 'nft', '-f', '-'),
    })),
    rules: async () => blocksOf(await listing()),
  };
}

const everyList = `
masqueradeSrcCIDRs: [10.0.0.0/8, "fd00::/8"]
forceMasqueradeCIDRs: [10.9.0.0/16, "fd00:9::/32"]
nonMasqueradeSrcCIDRs: [10.1.0.0/16, "fd00:1::/32"]
nonMasqueradeCIDRs: [10.0.0.0/8, "fd00::/8"]
`;

async function iptablesPatient(bed: TestBed, flavour: (typeof flavours)[number]): Promise<Patient> {
  await bed.config.write({ 'ip-masq-agent': everyList });
  const args = ['--config', bed.config.directory, '--backend', `iptables-${flavour}`, '--enable-ipv6', ...resync];
  const agent = new AgentProcess(bed.node, args, {}, deaf);
  await agent.waitFor(/rules applied/);
  return {
    title: `iptables-${flavour}`,
    bed,
    agent,
    plan: { kept: ['10.99.0.0/16', 'fd00:99::/32'], masqueraded: ['203.0.0.0/16', '2001:db8:203::/48'] },
    injuries: Object.entries(iptablesDamages(flavour)).map(([name, commands]) => ({
      name,
      harms: !harmlessDamages.has(name),
      async injure() {
        // A repair between two commands would have the second one fail.
        agent.signal('SIGSTOP');
        for (const [tool, ...args] of commands) await bed.node.run(tool, ...args);
        agent.signal('SIGCONT');
      },
    })),
    rules: () => Promise.all([natTableOf(bed.node, flavour, 'ipv4'), natTableOf(bed.node, flavour, 'ipv6')]),
  };
}
