import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AcceptedConfig, AgentEvent } from '../../src/agent/events.ts';
import { runAgent, runOnce } from '../../src/agent.ts';
import type { ChangeListener, ChangeWatch, Origin, StartChangeWatch } from '../../src/backends/change-watch.ts';
import { monotonicMs } from '../../src/clock.ts';
import type { Config, ConfigReading } from '../../src/config/config.ts';
import { AgentError } from '../../src/errors.ts';
import { parseCidr } from '../../src/net/cidr.ts';
import type { NodeAddress } from '../../src/net/node-address.ts';
import { buildPolicy } from '../../src/policy/build.ts';
import { fakeBackend } from '../fakes/backend.ts';
import { namesBy } from '../fakes/names.ts';

const resyncIntervalMs = 60_000;

function configWith(...keep: string[]): Config {
  const value = <T>(value: T) => ({ value, source: 'default' as const });
  return {
    nonMasqueradeCIDRs: keep.flatMap((text) => parseCidr(text) ?? []).map(value),
    nonMasqueradeSrcCIDRs: [],
    forceMasqueradeCIDRs: [],
    masqueradeSrcCIDRs: [],
    masqLinkLocal: value(false),
    masqLinkLocalIPv6: value(false),
    masqOutBound: value(true),
    masqOutBoundIPv6: value(true),
    cidrLimit: value(64),
    rejudgeConnections: value('none'),
    outputAddresses: [],
    resyncIntervalMs: value(resyncIntervalMs),
    resyncInterval: '1m0s',
  };
}

function good(...keep: string[]): ConfigReading {
  return { ok: true, config: configWith(...keep), warnings: [], files: ['config'], digest: keep.join() };
}

function bad(message: string): ConfigReading {
  return { ok: false, problems: [{ file: 'config', message }], warnings: [], files: ['config'], digest: message };
}

/** A watch that tells what a test lets it tell. */
class FakeWatch implements ChangeWatch {
  listener: ChangeListener | undefined;
  /** Whether it can prove that it has heard everything. */
  isProven: boolean = true;
  readonly #changes: { readonly at: number; readonly origin: Origin | undefined }[] = [];
  readonly start: StartChangeWatch = (listener) => {
    this.listener = listener;
    return this;
  };
  change(origin?: Origin): void {
    this.#changes.push({ at: monotonicMs(), origin });
    this.listener?.onChange();
  }
  proveNoChangeSince(moment: number): Promise<boolean> {
    return Promise.resolve(this.isProven && !this.#changes.some(({ at }) => at >= moment));
  }
  originSince(moment: number): Origin | undefined {
    return this.#changes.find(({ at }) => at >= moment)?.origin;
  }
  othersChangedAt(): undefined {
    return undefined;
  }
  noteLook(): void {}
  stop(): Promise<void> {
    return Promise.resolve();
  }
}

/** An agent on a fake kernel and a fake clock; `turn` lets it do what it can do now. */
function startAgent(reading: ConfigReading, watchChanges?: StartChangeWatch) {
  vi.useFakeTimers();
  const backend = fakeBackend();
  const events: AgentEvent[] = [];
  const signsOfLife: AgentEvent[] = [];
  const stop = new AbortController();
  const nodeAddresses: readonly NodeAddress[] = [];
  const world = {
    reading,
    nodeAddresses,
    changeConfig: () => {},
    changeAddresses: () => {},
    reload: () => {},
    subscriptions: 0,
  };
  const subscription = () => {
    world.subscriptions++;
    return Promise.resolve({ stop: () => Promise.resolve(void world.subscriptions--) });
  };
  const dependencies = {
    backend,
    readConfig: () => Promise.resolve(world.reading),
    policyOf: ({ config, nodeAddresses: has }: AcceptedConfig) =>
      buildPolicy(config, { enableIPv6: false, randomFully: true, toPorts: [] }, { addresses: has }),
    onThisNode: (old: AcceptedConfig) =>
      Promise.resolve(old.nodeAddresses ? { ...old, nodeAddresses: world.nodeAddresses } : old),
    watchAddresses: (onEvent: () => void) => {
      world.changeAddresses = onEvent;
      return Promise.resolve({ stop: () => Promise.resolve() });
    },
    report: (event: AgentEvent) => {
      if (event.type === 'foreign-masquerade') return;
      (event.type === 'reconciling' || event.type === 'waiting' ? signsOfLife : events).push(event);
    },
    watchConfig: (onEvent: () => void) => {
      world.changeConfig = onEvent;
      return subscription();
    },
    findLeftovers: () => Promise.resolve({ found: [], failures: [] }),
    startNames: namesBy(() => Promise.resolve({ addresses: [] })),
    removeLeftovers: () => Promise.resolve({ found: [], failures: [] }),
    findPodRoutes: () => Promise.resolve([]),
    watchChanges,
    findForeignMasquerade: () => Promise.resolve({ found: [], failures: [], complete: true }),
    onReloadSignal: (onEvent: () => void) => {
      world.reload = onEvent;
      return subscription();
    },
  };
  const done = runAgent(dependencies, stop.signal);
  const turn = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
  const types = (): string[] => events.map(({ type }) => type);
  return { backend, events, signsOfLife, types, stop, world, done, turn, dependencies };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('runAgent', () => {
  it('applies first, then watches', async () => {
    const { backend, events, types, turn, world } = startAgent(good('10.0.0.0/8'));
    await turn();
    expect(types()).toEqual(['config-accepted', 'applied']);
    expect(events[1]).toMatchObject({ cause: 'first' });
    expect(backend.kernel?.ipv4.keepDestinations).toHaveLength(1);
    expect(world.subscriptions).toBe(2);
  });

  describe('where the config names an address of the node', () => {
    const value = 0xc000_020an;
    const cidr = parseCidr('192.0.2.10/32');
    const address: NodeAddress = {
      family: 'ipv4',
      value,
      prefix: 24,
      interface: 'eth0',
      isGlobal: true,
      isUnusable: false,
      isTemporary: false,
      isSecondary: false,
      isLoopback: false,
    };
    /** A reading on a node with these addresses. */
    function named(...nodeAddresses: NodeAddress[]): ConfigReading {
      if (!cidr) throw new Error('no CIDR');
      const source = { file: 'config', line: 1, column: 1 };
      const output = { cidr, isNetwork: false, destinations: [], sources: [], source };
      const config = { ...configWith('10.0.0.0/8'), outputAddresses: [output] };
      const digest = `named ${nodeAddresses.length}`;
      return { ok: true, config, warnings: [], files: ['config'], digest, nodeAddresses };
    }

    it('follows that address at once, and does not look at the kernel when it is still the same', async () => {
      const { backend, events, turn, world } = startAgent(named(address));
      await turn();
      expect(backend.kernel?.ipv4.outputs).toMatchObject([{ address: { value } }]);
      const calls = backend.calls.length;
      world.changeAddresses();
      await turn();
      expect(backend.calls).toHaveLength(calls);
      world.reading = named();
      world.changeAddresses();
      await turn();
      expect(events.at(-1)).toMatchObject({ type: 'applied', cause: 'policy-change', trigger: 'address-change' });
      expect(backend.kernel?.ipv4.outputs).toEqual([]);
      expect(backend.kernel?.idleOutputs).toHaveLength(1);
    });

    it('follows it beside an invalid config, too, and back', async () => {
      const { backend, events, types, turn, world } = startAgent(named(address));
      await turn();
      world.nodeAddresses = [address];
      world.reading = bad('oh no');
      world.changeConfig();
      await turn();
      expect(types().at(-1)).toBe('config-rejected');
      world.nodeAddresses = [];
      world.changeAddresses();
      await turn();
      expect(backend.kernel?.ipv4.outputs).toEqual([]);
      world.nodeAddresses = [address];
      world.changeAddresses();
      await turn();
      expect(events.at(-1)).toMatchObject({ type: 'applied', trigger: 'address-change' });
      expect(backend.kernel?.ipv4.outputs).toMatchObject([{ address: { value } }]);
      expect(types().filter((type) => type === 'config-rejected')).toHaveLength(1);
    });
  });

  it('writes nothing where the kernel holds the policy already', async () => {
    const { backend, types, turn } = startAgent(good('10.0.0.0/8'));
    backend.kernel = buildPolicy(configWith('10.0.0.0/8'), { enableIPv6: false, randomFully: true, toPorts: [] });
    await turn();
    expect(types()).toEqual(['config-accepted', 'in-sync']);
    expect(backend.calls).toEqual(['observe']);
  });

  it('follows a change of the config at once, and looks at the kernel no more than needed', async () => {
    const { backend, types, turn, world } = startAgent(good('10.0.0.0/8'));
    await turn();
    world.reading = good('10.0.0.0/8', '192.168.0.0/16');
    world.changeConfig();
    await turn();
    expect(types()).toEqual(['config-accepted', 'applied', 'config-accepted', 'applied']);
    expect(backend.calls).toEqual(['observe', 'apply', 'apply']);
    world.changeConfig();
    await turn();
    expect(backend.calls).toHaveLength(3);
  });

  it('repairs the kernel at the resync, and says what was wrong', async () => {
    const { backend, events, turn } = startAgent(good('10.0.0.0/8'));
    await turn();
    backend.kernel = undefined;
    await turn(resyncIntervalMs);
    expect(events.at(-1)).toMatchObject({ type: 'applied', trigger: 'resync', differences: ['nothing is there'] });
    expect(backend.kernel).toBeDefined();
  });

  it('says what a new policy judges otherwise, and nothing of it where rules are only put right', async () => {
    const { backend, events, turn, world } = startAgent(good('10.0.0.0/8'));
    await turn();
    expect(events.at(-1)).toMatchObject({ type: 'applied', flips: undefined });
    world.reading = good('11.0.0.0/8');
    world.changeConfig();
    await turn();
    expect(events.at(-1)).toMatchObject({ type: 'applied', flips: { ranges: { ipv4: 2, ipv6: 0 } } });
    backend.kernel = undefined;
    await turn(resyncIntervalMs);
    expect(events.at(-1)).toMatchObject({ type: 'applied', flips: undefined });
  });

  it('gives a sign of life each time it reconciles, also where no config was ever good', async () => {
    const { signsOfLife, turn } = startAgent(bad('oh no'));
    await turn();
    const began = { type: 'reconciling' };
    // The second time is the one after the watch has begun.
    expect(signsOfLife).toMatchObject([began, { type: 'waiting' }, began, { type: 'waiting' }]);
    expect(signsOfLife.at(-1)).toEqual({ type: 'waiting', forMs: resyncIntervalMs });
    await turn(resyncIntervalMs);
    expect(signsOfLife.slice(4)).toEqual([began, { type: 'waiting', forMs: resyncIntervalMs }]);
  });

  it('looks again on SIGHUP', async () => {
    const { backend, events, turn, world } = startAgent(good());
    await turn();
    backend.kernel = undefined;
    world.reload();
    await turn();
    expect(events.at(-1)).toMatchObject({ type: 'applied', trigger: 'signal' });
  });

  it('keeps the last good policy when the config turns bad, tells it once, and still repairs', async () => {
    const { backend, events, types, turn, world } = startAgent(good('10.0.0.0/8'));
    await turn();
    world.reading = bad('oh no');
    world.changeConfig();
    await turn();
    expect(events.at(-1)).toMatchObject({ type: 'config-rejected', policyKept: true });
    const known = types().length;
    world.changeConfig();
    await turn();
    expect(types()).toHaveLength(known);
    backend.kernel = undefined;
    await turn(resyncIntervalMs);
    expect(events.at(-1)).toMatchObject({ type: 'applied', policy: { ipv4: { keepDestinations: [{}] } } });
  });

  it('comes to the resync however many file events change nothing', async () => {
    const { backend, events, turn, world } = startAgent(good('10.0.0.0/8'));
    await turn();
    backend.kernel = undefined;
    for (let elapsed = 0; elapsed < resyncIntervalMs; elapsed += 1_000) {
      world.changeConfig();
      await turn(1_000);
    }
    expect(events.at(-1)).toMatchObject({ type: 'applied', trigger: 'resync' });
  });

  it('leaves the kernel alone while no config was good, and recovers with the next one', async () => {
    const { backend, events, turn, world } = startAgent(bad('oh no'));
    await turn(resyncIntervalMs);
    expect(backend.calls).toEqual([]);
    expect(events).toMatchObject([{ type: 'config-rejected', policyKept: false }]);
    world.reading = good();
    world.changeConfig();
    await turn();
    expect(events.at(-1)).toMatchObject({ type: 'applied' });
  });

  it('tries again after a failure, later each time, and then is back to the resync', async () => {
    const { backend, events, turn } = startAgent(good());
    vi.spyOn(Math, 'random').mockReturnValue(0);
    backend.failures.push(new AgentError('XTABLES_LOCK', 'held'), new AgentError('XTABLES_LOCK', 'held'));
    await turn();
    expect(events.at(-1)).toMatchObject({ type: 'failed', trigger: 'config-change', retryInMs: 500 });
    await turn(499);
    expect(backend.kernel).toBeUndefined();
    await turn(1);
    expect(events.at(-1)).toMatchObject({ type: 'applied', trigger: 'retry' });
    await turn(resyncIntervalMs);
    expect(events.at(-1)).toMatchObject({ type: 'in-sync', trigger: 'resync' });
  });

  it('tells what was wrong with the kernel also where the repair fails', async () => {
    const { backend, events, turn } = startAgent(good());
    await turn();
    backend.kernel = undefined;
    backend.failures.push(new AgentError('TOOL_FAILED', 'nft: no'));
    await turn(resyncIntervalMs);
    expect(events.at(-1)).toMatchObject({ type: 'failed', differences: ['nothing is there'] });
  });

  it('survives an error that is none of ours, as a bug to report', async () => {
    const { backend, events, turn, dependencies } = startAgent(good());
    vi.spyOn(Math, 'random').mockReturnValue(0);
    backend.observe = () => Promise.reject(new TypeError('x is not a function'));
    await turn();
    expect(dependencies.backend.calls).toEqual([]);
    expect(events.at(-1)).toMatchObject({ type: 'failed', error: { code: 'INTERNAL' } });
  });

  it('reconciles once more for all the triggers that come while it does', async () => {
    const { backend, types, turn, world } = startAgent(good('10.0.0.0/8'));
    await turn();
    const release = Promise.withResolvers<void>();
    backend.hold = release.promise;
    world.reading = good('11.0.0.0/8');
    world.changeConfig();
    await turn();
    for (const octet of [12, 13, 14]) {
      world.reading = good(`${octet}.0.0.0/8`);
      world.changeConfig();
    }
    release.resolve();
    await turn();
    expect(types().filter((type) => type === 'applied')).toHaveLength(3);
    expect(backend.kernel?.ipv4.keepDestinations[0]?.cidr.text).toBe('14.0.0.0/8');
  });

  it('ends when it is stopped, once the write in progress is done, and leaves the rules', async () => {
    const { backend, stop, turn, done, world } = startAgent(good());
    const release = Promise.withResolvers<void>();
    backend.hold = release.promise;
    await turn();
    stop.abort();
    await turn();
    release.resolve();
    await done;
    expect(backend.kernel).toBeDefined();
    expect(world.subscriptions).toBe(0);
  });
});

describe('runAgent with a watch of the kernel', () => {
  async function startWatched() {
    const watch = new FakeWatch();
    const agent = startAgent(good('10.0.0.0/8'), watch.start);
    await agent.turn();
    watch.listener?.onListening();
    await agent.turn();
    agent.backend.calls.length = 0;
    return { ...agent, watch };
  }

  it('does not look at the kernel while the watch can prove that nobody changed it', async () => {
    const { backend, events, turn } = await startWatched();
    await turn(10 * resyncIntervalMs);
    expect(backend.calls).toEqual([]);
    expect(events.at(-1)).toMatchObject({ type: 'in-sync', trigger: 'resync', verifiedBy: 'events' });
  });

  it('looks where it can not', async () => {
    const { backend, events, turn, watch } = await startWatched();
    watch.isProven = false;
    backend.kernel = undefined;
    await turn(resyncIntervalMs);
    expect(events.at(-1)).toMatchObject({ type: 'applied', trigger: 'resync' });
  });

  it('applies the first good config that a resync finds, though nobody has changed the kernel', async () => {
    const watch = new FakeWatch();
    const { backend, events, turn, world } = startAgent(bad('oh no'), watch.start);
    await turn();
    world.reading = good('10.0.0.0/8');
    await turn(resyncIntervalMs);
    expect(backend.kernel).toBeDefined();
    expect(events.at(-1)).toMatchObject({ type: 'applied', trigger: 'resync' });
  });

  it('does not believe what it knew before a failure', async () => {
    const { backend, turn, watch, world } = await startWatched();
    world.reading = good('11.0.0.0/8');
    backend.failures.push(new AgentError('TOOL_TIMEOUT', 'who knows what was written'));
    world.changeConfig();
    await turn();
    world.reading = good('10.0.0.0/8');
    backend.calls.length = 0;
    watch.listener?.onListening();
    await turn();
    expect(backend.calls).toContain('observe');
  });

  it('looks every 15 minutes all the same', async () => {
    const { backend, turn } = await startWatched();
    backend.kernel = undefined;
    await turn(14 * resyncIntervalMs);
    expect(backend.calls).toEqual([]);
    await turn(2 * resyncIntervalMs);
    expect(backend.calls).toEqual(['observe', 'apply']);
  });

  it('repairs what it hears of at once, and says who did it', async () => {
    const { backend, events, turn, watch } = await startWatched();
    backend.kernel = undefined;
    watch.change({ pid: 7, program: 'nft' });
    await turn();
    expect(backend.calls).toEqual(['observe', 'apply']);
    expect(events.at(-1)).toMatchObject({
      type: 'applied',
      trigger: 'foreign-change',
      cause: 'drift',
      origin: { pid: 7, program: 'nft' },
    });
  });

  it('names who did it also where the repair fails first', async () => {
    const { backend, events, turn, watch } = await startWatched();
    vi.spyOn(Math, 'random').mockReturnValue(0);
    backend.kernel = undefined;
    backend.failures.push(new AgentError('XTABLES_LOCK', 'held'));
    watch.change({ pid: 7, program: 'nft' });
    await turn();
    await turn(250);
    expect(events.at(-1)).toMatchObject({
      type: 'applied',
      trigger: 'retry',
      origin: { pid: 7 },
      recovery: { failures: 1 },
    });
  });

  it('does not take for the author who changes something during the repair', async () => {
    const { backend, events, turn, watch } = await startWatched();
    watch.isProven = false;
    backend.kernel = undefined;
    const release = Promise.withResolvers<void>();
    backend.hold = release.promise;
    await turn(resyncIntervalMs);
    watch.change({ pid: 8, program: 'ourselves' });
    release.resolve();
    await turn();
    expect(events.filter(({ type }) => type === 'applied').at(-1)).toMatchObject({ origin: undefined });
  });

  it('does not lose a change that it hears of while file events are still to be looked into', async () => {
    const { backend, turn, watch, world } = await startWatched();
    const release = Promise.withResolvers<void>();
    backend.hold = release.promise;
    world.reading = good('11.0.0.0/8');
    world.changeConfig();
    await turn();
    world.changeConfig();
    watch.change();
    release.resolve();
    backend.hold = undefined;
    const untilApplied = backend.calls.length;
    await turn();
    expect(backend.calls.slice(untilApplied)).toEqual(['observe']);
  });

  it('looks at the end of the pause for what it heard of while the answers to a conflict were paused', async () => {
    const { backend, types, turn, watch } = await startWatched();
    for (let attack = 0; attack < 21; attack++) {
      backend.kernel = undefined;
      watch.change();
      await turn();
    }
    expect(types()).toContain('conflict');
    backend.kernel = undefined;
    watch.change();
    await turn(4_999);
    expect(backend.kernel).toBeUndefined();
    await turn(1);
    expect(backend.kernel).toBeDefined();
  });

  it('looks at the end of the pause also where something else was reconciled for meanwhile', async () => {
    const { backend, turn, watch, world } = await startWatched();
    for (let attack = 0; attack < 21; attack++) {
      backend.kernel = undefined;
      watch.change();
      await turn();
    }
    world.reload();
    await turn(1_000);
    backend.kernel = undefined;
    watch.change();
    await turn(3_999);
    expect(backend.kernel).toBeUndefined();
    await turn(1);
    expect(backend.kernel).toBeDefined();
  });

  it('does not forget a change over a file event that turns out to be nothing', async () => {
    const { backend, turn, watch, world } = await startWatched();
    for (let attack = 0; attack < 21; attack++) {
      backend.kernel = undefined;
      watch.change();
      await turn();
    }
    backend.kernel = undefined;
    watch.change();
    world.changeConfig();
    await turn();
    await turn(resyncIntervalMs);
    expect(backend.kernel).toBeDefined();
  });
});

describe('runOnce', () => {
  it('throws CONFIG_INVALID for a bad config and touches nothing', async () => {
    const { dependencies, backend, stop, turn } = startAgent(bad('oh no'));
    await turn();
    await expect(runOnce(dependencies, stop.signal)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(backend.calls).toEqual([]);
  });

  it('throws what the backend throws', async () => {
    const { dependencies, backend, stop, turn } = startAgent(good());
    await turn();
    backend.kernel = undefined;
    backend.failures.push(new AgentError('NO_PERMISSION', 'no'));
    await expect(runOnce(dependencies, stop.signal)).rejects.toMatchObject({ code: 'NO_PERMISSION' });
  });
});
