import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnectionCounters } from '../../src/backends/nft/counters.ts';
import {
  type NftCommand,
  nftOf,
  nftVersions,
  type Release,
  runnerWith,
  whyNoVersions,
} from '../../test/container/nft-versions.ts';
import { kubeProxyTable } from '../../test/generators/large-neighbour.ts';
import { configText, networks, toggledNetwork } from '../config-texts.ts';
import { type Figure, figureOf, type Goal, quantile } from '../figures.ts';
import type { Measurement } from '../measurement.ts';
import { childrenOf, cpuOf, memoryOf } from '../process-readings.ts';
import { Site } from '../site.ts';
import type { Subject } from '../subjects.ts';
import { injuries, repairTime } from './repair.ts';

/** `NEIGHBOUR_SERVICES=45000` stands for the largest clusters that are known. */
const services = Number(process.env['NEIGHBOUR_SERVICES'] ?? 5_000);
const intervalMs = 1_000;
/** After the start, until what it left behind is collected. */
const warmUpMs = 12_000;
const scrapes = 10;

/** The longest that a repair may take beside 5,000 services. */
const repairLimitMs = { bookworm: 250, trixie: 150 } as const;

type Sample = Record<'anonymous' | 'resync' | 'repair' | 'scrape', number[]>;

/** What the agent costs beside a large table of another program, and without it. */
export const measureNeighbour: Measurement = async ({ agents: [ours], quick }) => {
  const title = 'Beside a large neighbour';
  if (whyNoVersions !== undefined) return { title, method: `not measured: ${whyNoVersions}`, figures: [], goals: [] };
  const figures: Figure[] = [];
  const goals: Goal[] = [];
  for (const release of ['bookworm', 'trixie'] as const) {
    const command = await nftOf(release);
    const alone = await measureBeside(0, command, ours, quick);
    const beside = await measureBeside(services, command, ours, quick);
    const name = `nft ${nftVersions[release]}`;
    figures.push(...figuresOf(`${name}, alone`, alone), ...figuresOf(`${name}, ${services} services`, beside));
    goals.push(...goalsOf(name, release, alone, beside));
  }
  return {
    title,
    method: `The agent with 10 CIDRs and a resync each second, alone and beside a table in the shape of kube-proxy's with ${services} services: anonymous memory and processor time of the agent and its tools, the time of a repair as connections see it, and of reading the counters.`,
    figures,
    goals,
  };
};

function figuresOf(subject: string, sample: Sample): Figure[] {
  return [
    figureOf(sample.anonymous, { subject, quantity: 'anonymous, with tools', unit: 'MB' }),
    figureOf(sample.resync, { subject, quantity: 'processor time per resync', unit: 'ms' }),
    figureOf(sample.repair, { subject, quantity: 'repair', unit: 'ms' }),
    figureOf(sample.scrape, { subject, quantity: 'scrape', unit: 'ms' }),
  ];
}

function goalsOf(name: string, release: keyof typeof repairLimitMs & Release, alone: Sample, beside: Sample): Goal[] {
  const median = (samples: readonly number[]): number => quantile(samples, 0.5);
  const where = `${name}, beside ${services} services`;
  const ratio = (quantity: 'anonymous' | 'resync'): number => median(beside[quantity]) / median(alone[quantity]);
  return [
    { name: `${where}: memory / alone`, value: ratio('anonymous'), unit: '×', limit: 1.3, better: 'lower' },
    { name: `${where}: resync / alone`, value: ratio('resync'), unit: '×', limit: 1.3, better: 'lower' },
    {
      name: `${where}: repair`,
      value: median(beside.repair),
      unit: 'ms',
      limit: repairLimitMs[release],
      better: 'lower',
    },
    { name: `${where}: scrape`, value: median(beside.scrape), unit: 'ms', limit: 100, better: 'lower' },
  ];
}

async function measureBeside(count: number, nft: NftCommand, ours: Subject, quick: boolean): Promise<Sample> {
  const tools = await mkdtemp(join(tmpdir(), 'ip-masq-agent-nft-'));
  const { site, witness } = await Site.withTraffic();
  try {
    if (count > 0) await site.namespace.feed(kubeProxyTable(count), 'nft', '-f', '-');
    await site.configure(configText([...networks(9), toggledNetwork], `${intervalMs}ms`));
    const since = witness.now;
    const running = await site.launcher.start(await withNft(ours, nft, tools));
    await witness.next('outside', 'masquerade', since);
    await sleep(warmUpMs);

    const sample: Sample = { anonymous: [], resync: [], repair: [], scrape: [] };
    for (let window = 0; window < (quick ? 1 : 4); window++) {
      const [before, beganAt] = [cpuOf(running.pid), performance.now()];
      await sleep(intervalMs * 5);
      const [after, resyncs] = [cpuOf(running.pid), (performance.now() - beganAt) / intervalMs];
      sample.resync.push((after.own + after.children - before.own - before.children) / resyncs);
      const children = childrenOf(running.pid).reduce((sum, child) => sum + memoryOf(child).anonymous, 0);
      sample.anonymous.push(memoryOf(running.pid).anonymous + children);
    }
    // The first reaches the neighbour, too.
    for (const injury of injuries.slice(1)) sample.repair.push(await repairTime(site, witness, injury));
    const counters = createConnectionCounters({ runner: runnerWith(nft, site.namespace) });
    for (let scrape = 0; scrape < scrapes; scrape++) {
      const startedAt = performance.now();
      await counters.read();
      sample.scrape.push(performance.now() - startedAt);
    }
    await running.stop();
    return sample;
  } finally {
    await site.close();
    await rm(tools, { recursive: true });
  }
}

/** The agent with this nft first in its PATH. */
async function withNft({ name, command }: Subject, nft: NftCommand, directory: string): Promise<Subject> {
  const words = nft.map((word) => `'${word}'`).join(' ');
  await writeFile(join(directory, 'nft'), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  return { name, command: ['env', `PATH=${directory}:${process.env['PATH'] ?? ''}`, ...command] };
}
