import { describe, expect, it } from 'vitest';
import type { AgentEvent } from '../../../src/agent/events.ts';
import { PodNetworkSurvey } from '../../../src/agent/pod-network-survey.ts';
import { parseCidr } from '../../../src/net/cidr.ts';
import type { PodRoute } from '../../../src/net/pod-route.ts';
import { configKeeping, policyKeeping } from '../../fakes/config.ts';

const minute = 60_000;
const config = configKeeping(['10.0.0.0/8']);
const policy = policyKeeping('10.0.0.0/8');

function surveying() {
  const events: AgentEvent[] = [];
  const node = { networks: [] as readonly string[], looks: 0 };
  const find = (): Promise<readonly PodRoute[]> => {
    node.looks++;
    const cidrs = node.networks.map(parseCidr).filter((cidr) => cidr !== undefined);
    return Promise.resolve(cidrs.map((cidr) => ({ cidr, device: 'cni0' })));
  };
  const survey = new PodNetworkSurvey(find, (event) => events.push(event));
  return { survey, events, node };
}

describe('PodNetworkSurvey', () => {
  it('tells once of what is left out, also where the routes come after the rules', async () => {
    const { survey, events, node } = surveying();
    await survey.runIfDue(0, policy, config);
    expect(events).toEqual([]);
    node.networks = ['100.64.3.0/24'];
    await survey.runIfDue(9 * minute, policy, config);
    expect(events).toEqual([]);
    await survey.runIfDue(10 * minute, policy, config);
    expect(events).toMatchObject([
      { type: 'pod-networks', warnings: [{ message: expect.stringContaining('100.64.3.0/24') }] },
    ]);
    await survey.runIfDue(20 * minute, policy, config);
    expect(node.looks).toBe(3);
    expect(events).toHaveLength(1);
  });

  it('looks at once with another policy, and tells again when something else is left out', async () => {
    const { survey, events, node } = surveying();
    node.networks = ['100.64.3.0/24', '10.244.3.0/24'];
    await survey.runIfDue(0, policy, config);
    const other = ['100.64.0.0/10'];
    await survey.runIfDue(1, policyKeeping(...other), configKeeping(other));
    expect(events).toMatchObject([
      { warnings: [{ message: expect.stringContaining('in 100.64.3.0/24:') }] },
      { warnings: [{ message: expect.stringContaining('in 10.244.3.0/24:') }] },
    ]);
    await survey.runIfDue(2, policyKeeping('0.0.0.0/0'), configKeeping(['0.0.0.0/0']));
    await survey.runIfDue(3, policy, config);
    expect(events).toHaveLength(3);
  });
});
