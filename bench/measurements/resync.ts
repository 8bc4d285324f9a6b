import { setTimeout as sleep } from 'node:timers/promises';
import { configText, networks } from '../config-texts.ts';
import { type Figure, figureOf } from '../figures.ts';
import type { Measurement } from '../measurement.ts';
import { cpuOf } from '../process-readings.ts';
import { Site } from '../site.ts';
import type { Subject } from '../subjects.ts';

/** The shortest interval that there is. */
const intervalMs = 1_000;
/**
 * By then the rules are in the kernel, and read back since the watch listens, what that left behind is collected, and the
 * file is no longer so new that it is read again for that.
 */
const warmUpMs = 20_000;
const sizes = [10, 1_000, 10_000, 100_000];
const oneListing: Subject = { name: 'nft list chains', command: ['nft', 'list', 'chains', 'inet'] };
const listings = 50;

/** Processor time of a resync that finds nothing to do. */
export const measureResync: Measurement = async ({ agents: [ours, ...others], quick }) => {
  const windowMs = quick ? 10_000 : 40_000;
  const own = await Promise.all(sizes.map((cidrs) => resyncCost(ours, cidrs, windowMs)));
  const foreign: Figure[] = [];
  // One at a time, and without the largest list: a resync of theirs may take a processor for seconds.
  for (const agent of others) {
    for (const cidrs of sizes.slice(0, -1)) foreign.push((await resyncCost(agent, cidrs, windowMs)).figure);
  }
  const [smallest, largest] = [own[0], own.at(-1)];
  if (!smallest || !largest) throw new Error('no sizes');
  return {
    title: 'Resync without a change',
    method: `Processor time of the agent and of the tools that it runs, per resync, over ${windowMs / intervalMs} resyncs, one a second. Floor: one \`nft list chains inet\`.`,
    figures: [...own.map(({ figure }) => figure), smallest.floor, ...foreign],
    goals: [
      { name: 'resync, 10 CIDRs', value: smallest.figure.median, unit: 'ms', limit: 6, better: 'lower' },
      {
        name: 'resync, 10 CIDRs / one listing by nft',
        value: smallest.figure.median / smallest.floor.median,
        unit: '×',
        better: 'lower',
      },
      {
        name: 'resync, 100,000 CIDRs / 10 CIDRs',
        value: largest.figure.median / smallest.figure.median,
        unit: '×',
        limit: 1.3,
        better: 'lower',
      },
    ],
  };
};

async function resyncCost(agent: Subject, cidrs: number, windowMs: number) {
  const site = await Site.create();
  try {
    await site.configure(configText(networks(cidrs), `${intervalMs}ms`));
    const { pid, stop } = await site.launcher.start(agent);
    await sleep(warmUpMs);
    const [before, beganAt] = [cpuOf(pid), performance.now()];
    await sleep(windowMs);
    const [after, endedAt] = [cpuOf(pid), performance.now()];
    const resyncs = (endedAt - beganAt) / intervalMs;
    const cost = (after.own + after.children - before.own - before.children) / resyncs;
    const figure = figureOf([cost], { subject: agent.name, cidrs, quantity: 'processor time', unit: 'ms' });
    const floor = await listingCost(site, cidrs);
    await stop();
    return { figure, floor };
  } finally {
    await site.close();
  }
}

async function listingCost({ launcher }: Site, cidrs: number): Promise<Figure> {
  const before = cpuOf(launcher.pid).children;
  for (let run = 0; run < listings; run++) await launcher.time(oneListing);
  const cost = (cpuOf(launcher.pid).children - before) / listings;
  return figureOf([cost], { subject: oneListing.name, cidrs, quantity: 'processor time', unit: 'ms' });
}
