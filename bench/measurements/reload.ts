import { setTimeout as sleep } from 'node:timers/promises';
import { shared } from '../clock.ts';
import { configText, networks, toggledNetwork } from '../config-texts.ts';
import { type Figure, figureOf, type Goal, quantile } from '../figures.ts';
import type { Measurement, Plan } from '../measurement.ts';
import { memoryOf } from '../process-readings.ts';
import { Site } from '../site.ts';
import type { Subject } from '../subjects.ts';
import type { Witness } from '../witness.ts';

/** Long after all that was to do is done. */
const idleMs = 8_000;
/** For what an agent does after the switch; swaps that come before it has finished would be another measurement. */
const settleMs = 60;
const resyncPauseMs = 30;

const limits = new Map([
  [10, 60],
  [10_000, 400],
]);

/** From the rename of a ConfigMap's ..data to the first connection that is judged by the new config. */
export const measureReload: Measurement = async (plan) => {
  const { site, witness } = await Site.withTraffic();
  const figures: Figure[] = [];
  const goals: Goal[] = [];
  try {
    for (const agent of plan.agents) {
      for (const [cidrs, limit] of limits) {
        const { times, before, atWork, after } = await reloadAgain(site, witness, agent, cidrs, plan);
        const isOurs = agent === plan.agents[0];
        figures.push(figureOf(times, { subject: agent.name, cidrs, quantity: 'swap to kernel', unit: 'ms' }));
        if (isOurs)
          goals.push({
            name: `swap to kernel, ${cidrs} CIDRs`,
            value: quantile(times, 0.5),
            unit: 'ms',
            limit,
            better: 'lower',
          });
        if (cidrs !== 10) continue;
        figures.push(
          figureOf([before], { subject: agent.name, cidrs, quantity: 'resident before', unit: 'MB' }),
          figureOf([atWork], { subject: agent.name, cidrs, quantity: 'resident amid', unit: 'MB' }),
          figureOf([after], { subject: agent.name, cidrs, quantity: 'resident after', unit: 'MB' }),
        );
        if (isOurs)
          goals.push({
            name: 'idle RSS after reloads and resyncs / before',
            value: after / before,
            unit: '×',
            limit: 1.15,
            better: 'lower',
          });
      }
    }
    return {
      title: 'Reload',
      method:
        'Rename of a ConfigMap volume’s `..data` to the first connection that is judged by the new config, which has one CIDR more or less. ' +
        'Memory: idle before the first swap, amid the work, and idle again after as many swaps and, for our own agent, as many resyncs with a full look at the kernel (SIGHUP).',
      figures,
      goals,
    };
  } finally {
    await site.close();
  }
};

async function reloadAgain(site: Site, witness: Witness, agent: Subject, cidrs: number, { agents, quick }: Plan) {
  const rounds = cidrs > 10 ? (quick ? 4 : 20) : quick ? 20 : 1_000;
  const lists = { masquerade: networks(cidrs), keep: [...networks(cidrs - 1), toggledNetwork] };
  const texts = { masquerade: configText(lists.masquerade, '1s'), keep: configText(lists.keep, '1s') };
  await site.configure(texts.masquerade);
  const since = witness.now;
  const running = await site.launcher.start(agent);
  await witness.next('toggled', 'masquerade', since);
  await sleep(idleMs);
  const before = memoryOf(running.pid).resident;
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const verdict = round % 2 === 0 ? 'keep' : 'masquerade';
    const mark = witness.now;
    const swappedAt = shared(await site.configure(texts[verdict]));
    times.push((await witness.next('toggled', verdict, mark)) - swappedAt);
    await sleep(settleMs);
  }
  if (agent === agents[0]) {
    for (let round = 0; round < rounds; round++) {
      process.kill(running.pid, 'SIGHUP');
      await sleep(resyncPauseMs);
    }
  }
  const atWork = memoryOf(running.pid).resident;
  await sleep(idleMs);
  const after = memoryOf(running.pid).resident;
  await running.stop();
  const stoppedAt = witness.now;
  await site.removeRules();
  if (rounds % 2 === 0) await witness.next('toggled', 'keep', stoppedAt);
  return { times, before, atWork, after };
}
