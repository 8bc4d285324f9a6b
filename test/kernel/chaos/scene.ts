import { join } from 'node:path';
import type { Candidate } from '../candidate.ts';
import { AgentProcess } from '../harness/agent-process.ts';
import { Flood } from '../harness/flood/flood.ts';
import { AgentKeeper } from './agent-keeper.ts';
import { ConfigKeeper } from './config-keeper.ts';
import { FaultyTools } from './faulty-tools.ts';
import { Ledger } from './ledger.ts';
import { firstPolicy, floodPlan } from './policies.ts';
import { becomeQuiet } from './quiet.ts';

/** Everything that a storm rages against. */
export interface Scene extends Candidate {
  readonly agent: AgentKeeper;
  readonly config: ConfigKeeper;
  readonly tools: FaultyTools;
  readonly flood: Flood;
  readonly ledger: Ledger;
  readonly injuries: { took: number; missed: number };
}

/** An agent that holds a first policy, under a flood that this policy judges rightly. */
export async function createScene({ backend, bed }: Candidate, rate: number): Promise<Scene> {
  const tools = await FaultyTools.create(join(bed.directory, 'tools'));
  const config = new ConfigKeeper(bed.config);
  const flags = ['--backend', backend.name, '--enable-ipv6', '--resync-interval', '1s', '--log-level', 'debug'];
  const agent = new AgentKeeper({
    bed,
    start: () => new AgentProcess(bed.node, ['--config', bed.config.directory, ...flags], { PATH: tools.path }),
    mayFailToStart: (startedAt) => tools.wereFaultySince(startedAt),
  });
  await config.write(firstPolicy);
  await agent.start();
  await becomeQuiet({ backend, bed, agent, config }, []);
  const flood = await Flood.start(bed, { ...floodPlan, rate });
  const ledger = await Ledger.open(flood);
  return { backend, bed, agent, config, tools, flood, ledger, injuries: { took: 0, missed: 0 } };
}
