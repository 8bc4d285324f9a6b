import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestBed } from '../harness/test-bed.ts';
import { type ForeignCommand, type Injury, injuriesOf } from './injuries.ts';
import { patiently } from './patience.ts';
import type { Action, Step } from './plan.ts';
import { policyOfShape } from './policies.ts';
import type { Scene } from './scene.ts';

/** Does every step at its time, whatever else is going on, until the last of them is over. */
export async function rage(scene: Scene, steps: readonly Step[]): Promise<void> {
  const ends = await Promise.allSettled(
    steps.map(async (step) => {
      await sleep(step.atMs);
      await patiently(`the step at ${step.atMs} ms`, act(scene, step));
    }),
  );
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

async function act(scene: Scene, action: Action): Promise<void> {
  const { agent, config, ledger, tools } = scene;
  switch (action.kind) {
    case 'config':
      return config.write(policyOfShape(action.policy));
    case 'bad config':
      return config.writeBad(action.text);
    case 'config vanishes':
      await ledger.excuse({ caught: true });
      return config.vanish(action.forMs);
    case 'kill':
      config.agentMayForget();
      return agent.kill(action.withTools, action.downMs);
    case 'kill amid a change':
      config.agentMayForget();
      await config.write(policyOfShape(action.policy));
      await sleep(action.afterMs);
      return agent.kill(action.withTools, action.downMs);
    case 'restart':
      config.agentMayForget();
      return agent.restart(action.downMs);
    case 'reload':
      return agent.reload();
    case 'lock':
      return holdLock(scene.bed, action.forMs);
    case 'tool fault':
      // The agent may fail to start, and the next one finds another config.
      config.agentMayForget();
      return tools.during(action.fault, () => sleep(action.forMs));
    case 'deaf':
      return agent.deafen();
    case 'injury':
      return injure(scene, action.name);
  }
}

async function holdLock({ directory, node }: TestBed, forMs: number): Promise<void> {
  const lock = join(directory, 'xtables.lock');
  const { tool, args } = node.inside('flock', ['--no-fork', lock, 'sleep', String(forMs / 1000)]);
  await once(spawn(tool, args, { stdio: 'ignore' }), 'exit');
}

async function injure(scene: Scene, name: string): Promise<void> {
  const injury: Injury | undefined = injuriesOf[scene.backend.name][name];
  if (!injury) throw new Error(`no injury is called ${name}`);
  if (injury.wounds) await scene.ledger.excuse({ leaked: true, caught: true });
  for (const foreign of injury.commands) {
    const took = await runForeign(scene.bed, foreign);
    scene.injuries[took ? 'took' : 'missed']++;
  }
}

/** Says whether it did something: there may be nothing to hurt, or the agent may be about to change it. */
async function runForeign({ runner }: TestBed, { command: [tool, ...args], script }: ForeignCommand): Promise<boolean> {
  if (!script) return (await runner.run({ tool, args })).exitCode === 0;
  const listing = await runner.run({ tool: 'nft', args: ['-s', 'list', 'table', 'inet', 'ip-masq-agent'] });
  return (await runner.run({ tool, args, input: `${script(listing.stdout)}\n` })).exitCode === 0;
}
