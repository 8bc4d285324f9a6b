import { setTimeout as sleep } from 'node:timers/promises';
import { configText, networks } from '../config-texts.ts';
import { figureOf, quantile } from '../figures.ts';
import type { Measurement } from '../measurement.ts';
import { Site } from '../site.ts';
import { bareNode } from '../subjects.ts';

/** For the agent to finish what it does after its first rules. */
const settleMs = 700;

/** From the start of the process to the first connection that is masqueraded. */
export const measureStart: Measurement = async ({ agents, quick }) => {
  const { site, witness } = await Site.withTraffic();
  try {
    await site.configure(configText(networks(10)));
    const samples = new Map<string, number[]>([bareNode, ...agents].map(({ name }) => [name, []]));
    for (let round = 0; round < (quick ? 5 : 25); round++) {
      samples.get(bareNode.name)?.push(await site.launcher.time(bareNode));
      for (const agent of agents) {
        const since = witness.now;
        const running = await site.launcher.start(agent);
        samples.get(agent.name)?.push((await witness.next('outside', 'masquerade', since)) - running.at);
        await sleep(settleMs);
        await running.stop();
        await site.removeRules();
        await witness.next('outside', 'keep', since);
      }
    }
    const median = (name: string): number => quantile(samples.get(name) ?? [], 0.5);
    return {
      title: 'Start',
      method:
        'Process start to the first connection that is masqueraded, on a host without rules, 10 CIDRs; bare Node: `node -e 0` from start to end.',
      figures: [...samples].map(([subject, times]) =>
        figureOf(times, { subject, quantity: subject === bareNode.name ? 'start' : 'start to rules', unit: 'ms' }),
      ),
      goals: [
        {
          name: 'start to rules / start of bare Node',
          value: median(agents[0].name) / median(bareNode.name),
          unit: '×',
          limit: 6,
          better: 'lower',
        },
      ],
    };
  } finally {
    await site.close();
  }
};
