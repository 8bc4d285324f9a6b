import { setTimeout as sleep } from 'node:timers/promises';
import { configText, networks, toggledNetwork } from '../config-texts.ts';
import { type Figure, figureOf, quantile } from '../figures.ts';
import type { Measurement } from '../measurement.ts';
import { Site } from '../site.ts';
import type { Witness } from '../witness.ts';
import type { FlowName, Verdict } from '../witness-messages.ts';

/** What somebody does to the rules, and what becomes wrong by it. */
interface Injury {
  readonly name: string;
  readonly flow: FlowName;
  readonly wrong: Verdict;
  /** Input for nft, given what `nft list table` shows. */
  script(listing: string): string;
}

const table = 'inet ip-masq-agent';

/** Ways to hurt the table, of which only the first reaches others' tables, too. */
export const injuries: readonly Injury[] = [
  { name: 'ruleset flushed', flow: 'outside', wrong: 'keep', script: () => 'flush ruleset\n' },
  { name: 'table deleted', flow: 'outside', wrong: 'keep', script: () => `delete table ${table}\n` },
  { name: 'table made dormant', flow: 'outside', wrong: 'keep', script: () => `table ${table} { flags dormant; }\n` },
  { name: 'rules flushed', flow: 'outside', wrong: 'keep', script: () => `flush table ${table}\n` },
  {
    name: 'rule inserted',
    flow: 'outside',
    wrong: 'keep',
    script: () => `insert rule ${table} postrouting accept\n`,
  },
  {
    name: 'element deleted',
    flow: 'toggled',
    wrong: 'masquerade',
    script: (listing) =>
      `delete element ${table} ${nameIn(listing, /set (keep-destinations-[\w-]+) /)} { ${toggledNetwork} }\n`,
  },
];

/** More repairs than the agent makes at once before it spaces them out. */
const roundsPerAgent = 3;
const startedMs = 4_000;
const settleMs = 400;

/** For how long connections are judged wrongly after somebody changed the rules. */
export const measureRepair: Measurement = async ({ agents: [ours], quick }) => {
  const { site, witness } = await Site.withTraffic();
  try {
    await site.configure(configText([...networks(9), toggledNetwork]));
    const times = new Map<string, number[]>(injuries.map(({ name }) => [name, []]));
    for (let agents = 0; agents < (quick ? 1 : 3); agents++) {
      const since = witness.now;
      const running = await site.launcher.start(ours);
      await witness.next('outside', 'masquerade', since);
      await sleep(startedMs);
      for (let round = 0; round < (quick ? 1 : roundsPerAgent); round++) {
        for (const injury of injuries) times.get(injury.name)?.push(await repairTime(site, witness, injury));
      }
      await running.stop();
      const stoppedAt = witness.now;
      await site.removeRules();
      await witness.next('outside', 'keep', stoppedAt);
    }
    const subject = ours.name;
    const all = [...times.values()].flat();
    return {
      title: 'Repair',
      method:
        'From the first connection that is judged wrongly to the first that is judged rightly again, 10 CIDRs; the agent hears of the change from the kernel.',
      figures: [
        ...[...times].map(([quantity, samples]): Figure => figureOf(samples, { subject, quantity, unit: 'ms' })),
        figureOf(all, { subject, quantity: 'all', unit: 'ms' }),
      ],
      goals: [{ name: 'repair', value: quantile(all, 0.5), unit: 'ms', better: 'lower' }],
    };
  } finally {
    await site.close();
  }
};

/** For how long connections were judged wrongly after the injury, in milliseconds. */
export async function repairTime(
  { namespace }: Site,
  witness: Witness,
  { flow, wrong, script }: Injury,
): Promise<number> {
  const listing = await namespace.run('nft', 'list', 'table', ...table.split(' '));
  const since = witness.now;
  await namespace.feed(script(listing), 'nft', '-f', '-');
  const time = await witness.period(flow, wrong, since);
  await sleep(settleMs);
  return time;
}

function nameIn(listing: string, pattern: RegExp): string {
  const name = pattern.exec(listing)?.[1];
  if (name === undefined) throw new Error(`nothing like ${pattern} in ${listing}`);
  return name;
}
