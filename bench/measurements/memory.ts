import { setTimeout as sleep } from 'node:timers/promises';
import { configText, networks } from '../config-texts.ts';
import { type Figure, figureOf, type Goal, quantile } from '../figures.ts';
import type { Measurement } from '../measurement.ts';
import { childrenOf, memoryOf } from '../process-readings.ts';
import { Site } from '../site.ts';
import { idleNode, type Subject } from '../subjects.ts';

/** Long after all that a start brings about. */
const idleMs = 8_000;

interface Reading {
  readonly resident: number;
  readonly anonymous: number;
  /** Anonymous memory of the tools that it keeps running. */
  readonly children: number;
}

/** What a process without anything to do holds. */
export const measureMemory: Measurement = async ({ agents, quick }) => {
  const subjects = [idleNode, ...agents];
  const readings = new Map<string, Reading[]>(subjects.map(({ name }) => [name, []]));
  for (let round = 0; round < (quick ? 1 : 5); round++) {
    await Promise.all(subjects.map(async (subject) => readings.get(subject.name)?.push(await readIdle(subject))));
  }
  const samples = (subject: string, quantity: keyof Reading): number[] =>
    (readings.get(subject) ?? []).map((reading) => reading[quantity]);
  const ratio = (quantity: keyof Reading): number =>
    quantile(samples(agents[0].name, quantity), 0.5) / quantile(samples(idleNode.name, quantity), 0.5);
  const figures = [...readings.keys()].flatMap((subject): Figure[] => [
    figureOf(samples(subject, 'resident'), { subject, quantity: 'resident', unit: 'MB' }),
    figureOf(samples(subject, 'anonymous'), { subject, quantity: 'anonymous', unit: 'MB' }),
    figureOf(samples(subject, 'children'), { subject, quantity: "anonymous, its tools'", unit: 'MB' }),
  ]);
  const goals: Goal[] = [
    { name: 'idle RSS / bare Node', value: ratio('resident'), unit: '×', limit: 1.5, better: 'lower' },
    { name: 'idle anonymous memory / bare Node', value: ratio('anonymous'), unit: '×', better: 'lower' },
    {
      name: 'idle anonymous memory',
      value: quantile(samples(agents[0].name, 'anonymous'), 0.5),
      unit: 'MB',
      limit: 22,
      better: 'lower',
    },
  ];
  return {
    title: 'Memory, idle',
    method: `VmRSS and RssAnon of the process ${idleMs / 1000} s after its start, as shipped (no HTTP), 10 CIDRs.`,
    figures,
    goals,
  };
};

async function readIdle(subject: Subject): Promise<Reading> {
  const site = await Site.create();
  try {
    await site.configure(configText(networks(10)));
    const { pid, stop } = await site.launcher.start(subject);
    await sleep(idleMs);
    const children = childrenOf(pid).reduce((sum, child) => sum + memoryOf(child).anonymous, 0);
    const reading = { ...memoryOf(pid), children };
    await stop();
    return reading;
  } finally {
    await site.close();
  }
}
