import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AcceptedConfig, AgentEvent } from '../../../src/agent/events.ts';
import { runAgent, runOnce } from '../../../src/agent.ts';
import type { Leftovers } from '../../../src/backends/leftovers.ts';
import type { ConfigReading } from '../../../src/config/config.ts';
import type { Answer } from '../../../src/names/name-state.ts';
import { parseAddress } from '../../../src/net/address.ts';
import { buildPolicy } from '../../../src/policy/build.ts';
import type { Answers } from '../../../src/policy/node-facts.ts';
import { fakeBackend } from '../../fakes/backend.ts';
import { policyKeeping } from '../../fakes/config.ts';
import { namesBy } from '../../fakes/names.ts';
import { readText } from '../config/read-text.ts';

const withName = readText('nonMasqueradeCIDRs: [10.0.0.0/8, api.example.com]\nresyncInterval: 1h\n');
const silent: Answer = { failure: 'silent' };

function answer(...texts: string[]): Answer {
  const addresses = texts.map(parseAddress).filter((address) => address !== undefined);
  return { addresses: addresses.map((address) => ({ ...address, ttlSeconds: 30 })) };
}

describe('an agent with names in its config', () => {
  let dns: Answer;
  let leftovers: Leftovers;
  let events: AgentEvent[];
  let reading: ConfigReading;
  let backend: ReturnType<typeof fakeBackend>;
  const stop = () => new AbortController();

  beforeEach(() => {
    vi.useFakeTimers();
    dns = silent;
    leftovers = { found: [], failures: [] };
    events = [];
    reading = withName;
    backend = fakeBackend();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const subscribe = () => Promise.resolve({ stop: () => Promise.resolve() });
  const dependencies = () => ({
    backend,
    readConfig: () => Promise.resolve(reading),
    policyOf: ({ config }: AcceptedConfig, answers: Answers) =>
      buildPolicy(config, { enableIPv6: false, randomFully: true, toPorts: [] }, { answers }),
    report: (event: AgentEvent) => void events.push(event),
    findLeftovers: () => Promise.resolve(leftovers),
    removeLeftovers: () => Promise.resolve({ found: [], failures: [] }),
    findPodRoutes: () => Promise.resolve([]),
    startNames: namesBy(() => Promise.resolve(dns)),
    findForeignMasquerade: () => Promise.resolve({ found: [], failures: [], complete: true }),
    watchConfig: subscribe,
    onReloadSignal: subscribe,
  });
  const turn = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
  const kept = () => backend.kernel?.ipv4.keepDestinations.map(({ cidr }) => cidr.text);
  const told = () =>
    events.map(({ type }) => type).filter((type) => !['reconciling', 'waiting', 'foreign-masquerade'].includes(type));

  it('applies at once without names where there are no rules, and with them once they are known', async () => {
    dns = answer('203.0.113.8');
    const end = stop();
    const done = runAgent(dependencies(), end.signal);
    await turn();
    expect(told()).toEqual(['config-accepted', 'names', 'applied', 'names', 'applied']);
    expect(kept()).toEqual(['10.0.0.0/8', '203.0.113.8/32']);
    expect(events.findLast(({ type }) => type === 'applied')).toMatchObject({
      trigger: 'name-change',
      cause: 'policy-change',
    });
    end.abort();
    await done;
  });

  it('writes nothing and looks at nothing when answers rotate among known addresses', async () => {
    dns = answer('203.0.113.8', '203.0.113.9');
    const end = stop();
    const done = runAgent(dependencies(), end.signal);
    await turn();
    const { length } = backend.calls;
    dns = answer('203.0.113.9');
    await turn(60_000);
    dns = silent;
    await turn(60_000);
    expect(backend.calls).toHaveLength(length);
    expect(kept()).toEqual(['10.0.0.0/8', '203.0.113.8/32', '203.0.113.9/32']);
    expect(told().at(-1)).toBe('names');
    end.abort();
    await done;
  });

  it.each([
    ['of its own', policyKeeping('192.0.2.0/24'), []],
    ['of another agent', undefined, ['iptables-nft ipv4: chain IP-MASQ-AGENT']],
  ])('leaves rules %s untouched until the names are answered', async (_, kernel, found) => {
    backend.kernel = kernel;
    leftovers = { found, failures: [] };
    const end = stop();
    const done = runAgent(dependencies(), end.signal);
    await turn(599_000);
    expect(backend.calls).not.toContain('apply');
    expect(events.findLast(({ type }) => type === 'names-awaited')).toMatchObject({ names: ['api.example.com'] });
    // That there is no such name is an answer.
    dns = answer();
    await turn(60_000);
    expect(kept()).toEqual(['10.0.0.0/8']);
    end.abort();
    await done;
  });

  it('waits for ten minutes, whatever the resync interval, and then goes ahead without names', async () => {
    backend.kernel = policyKeeping('192.0.2.0/24');
    const end = stop();
    const done = runAgent(dependencies(), end.signal);
    await turn(600_000 - 1);
    expect(backend.calls).not.toContain('apply');
    await turn(1);
    expect(kept()).toEqual(['10.0.0.0/8']);
    end.abort();
    await done;
  });

  it('does not wait when a name comes later', async () => {
    const end = stop();
    reading = readText('nonMasqueradeCIDRs: [192.0.2.0/24]\nresyncInterval: 10s\n');
    const done = runAgent(dependencies(), end.signal);
    await turn();
    reading = { ...withName, digest: 'another' };
    await turn(10_000);
    expect(kept()).toEqual(['10.0.0.0/8']);
    end.abort();
    await done;
  });

  it('asks once before it applies once', async () => {
    dns = answer('203.0.113.8');
    const done = runOnce(dependencies(), stop().signal);
    await turn();
    await done;
    expect(told()).toEqual(['config-accepted', 'names', 'names-awaited', 'names', 'applied']);
    expect(kept()).toEqual(['10.0.0.0/8', '203.0.113.8/32']);
  });

  it('applies once without names that DNS says nothing of, where there are no rules', async () => {
    const done = runOnce(dependencies(), stop().signal);
    await turn();
    await done;
    expect(kept()).toEqual(['10.0.0.0/8']);
  });

  it('removes nothing of others when it is told to stop while it waits', async () => {
    leftovers = { found: ['iptables-nft ipv4: chain IP-MASQ-AGENT'], failures: [] };
    const end = stop();
    const done = expect(runOnce(dependencies(), end.signal)).rejects.toMatchObject({ code: 'ABORTED' });
    await turn(1_000);
    end.abort();
    await done;
    expect(backend.calls).not.toContain('apply');
  });
});
