import { type Explanation, explainConnection } from '../../../src/policy/explain.ts';
import { hostOf } from '../../../src/policy/host.ts';
import { parseConnectionQuery } from '../../../src/policy/packet.ts';
import type { ListName } from '../../../src/policy/policy.ts';
import { configFlags, configText } from '../../generators/config-text.ts';
import { naiveDecision } from '../../generators/naive-decision.ts';
import type { PlainPolicy } from '../../generators/plain-policy.ts';
import { bundle } from '../harness/agent-process.ts';
import type { Namespace } from '../harness/namespace.ts';
import { nodeAddresses, type PlannedFlow } from './flow.ts';
import type { LoadedPolicy } from './loading.ts';

const node = hostOf(
  Object.values(nodeAddresses)
    .flat()
    .map((address) => ({ address, cidr: null, internal: false })),
);

/** The lists by the number of the step that looks into them. */
const lists: Readonly<Record<number, ListName>> = { 5: 'forceMasquerade', 7: 'keepSources', 8: 'keepDestinations' };

/** What the agent's code says of a flow. */
export function explanationOf({ config, policy }: LoadedPolicy, planned: PlannedFlow): Explanation {
  const { source, destination, protocol } = queryOf(planned);
  const reading = parseConnectionQuery({ source, destination, protocol });
  if (!reading.ok) throw new Error(reading.message);
  return explainConnection({ policy, settings: config, host: node }, reading.packet);
}

/** What `explain` prints on the node for a flow, as JSON. */
export async function explainOnNode(
  namespace: Namespace,
  file: string,
  plain: PlainPolicy,
  planned: PlannedFlow,
): Promise<unknown> {
  const { source, destination, protocol } = queryOf(planned);
  const query = ['--src', source, '--dst', destination, '--proto', protocol];
  const flags = ['--config', file, ...configFlags(plain), '--output', 'json'];
  return JSON.parse(await namespace.run(process.execPath, bundle, 'explain', ...query, ...flags));
}

function queryOf({ flow: { source, destination, protocol } }: PlannedFlow) {
  return { source, destination: destination.replace(/%.*/, ''), protocol };
}

/** What an explanation has to say, by the specification written down a second time. */
export function expectedExplanation(plain: PlainPolicy, file: string, planned: PlannedFlow): Partial<Explanation> {
  const { verdict, step, line } = naiveDecision(plain, planned, planned.isLocal);
  const list = lists[step];
  if (!list || line === undefined) return { verdict, step };
  return { verdict, step, source: `${file}:${configText(plain).lineOf(planned.family, list, line)}` };
}
