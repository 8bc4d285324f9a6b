import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OwnTransactions } from '../../../../src/backends/watch/own-transactions.ts';
import { pollIntervalMs } from '../../../../src/backends/watch/polling-watch.ts';
import { changeWatchFor } from '../../../../src/backends/watch/start-watch.ts';
import { monotonicMs } from '../../../../src/clock.ts';
import { AgentError } from '../../../../src/errors.ts';
import type { Command } from '../../../../src/system/run.ts';

describe('changeWatchFor', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function setUp(backend: 'nft' | 'iptables-nft' | 'iptables-legacy') {
    const commands: Command[] = [];
    const heard: string[] = [];
    const kernel = { listing: 'table', failure: undefined as AgentError | undefined };
    const watch = changeWatchFor({
      backend,
      chain: 'IP-MASQ-AGENT',
      runner: {
        run(command) {
          commands.push(command);
          if (kernel.failure) return Promise.reject(kernel.failure);
          return Promise.resolve({ exitCode: 0, stdout: kernel.listing, stderr: '' });
        },
      },
      openNetlink: () => Promise.reject(new AgentError('NO_PERMISSION', 'no')),
      own: new OwnTransactions(),
    })?.({
      onChange: () => heard.push('change'),
      onListening: () => heard.push('listening'),
      onFailure: (reason) => heard.push(`failure: ${reason}`),
    });
    return { watch, commands, heard, kernel };
  }

  it('watches nothing where the kernel tells nobody', () => {
    expect(setUp('iptables-legacy').watch).toBeUndefined();
  });

  it('says once that it can not hear, and looks at our table every few seconds instead', async () => {
    const { watch, commands, heard, kernel } = setUp('nft');
    await vi.advanceTimersByTimeAsync(0);
    expect(heard).toEqual(['failure: no', 'listening']);
    watch?.noteLook(monotonicMs(), false);
    await vi.advanceTimersByTimeAsync(pollIntervalMs);
    kernel.failure = new AgentError('TOOL_TIMEOUT', 'busy');
    await vi.advanceTimersByTimeAsync(pollIntervalMs);
    kernel.failure = undefined;
    expect(heard).toHaveLength(2);
    kernel.listing = 'a damaged table';
    await vi.advanceTimersByTimeAsync(2 * pollIntervalMs);
    expect(heard.slice(2)).toEqual(['change']);
    expect(commands.map(({ args }) => args.join(' '))).toEqual(Array(5).fill('-t -s list table inet ip-masq-agent'));
    expect(await watch?.proveNoChangeSince(0)).toBe(false);
    await watch?.stop();
    await vi.advanceTimersByTimeAsync(10 * pollIntervalMs);
    expect(commands).toHaveLength(5);
  });

  it('notices the same damage again after each repair, whenever it comes', async () => {
    const { watch, heard, kernel } = setUp('nft');
    await vi.advanceTimersByTimeAsync(0);
    watch?.noteLook(monotonicMs(), false);
    for (let times = 1; times <= 3; times++) {
      kernel.listing = 'damage';
      await vi.advanceTimersByTimeAsync(pollIntervalMs);
      expect(heard.slice(2)).toHaveLength(times);
      // Repaired, and damaged again at once.
      watch?.noteLook(monotonicMs(), true);
    }
    await watch?.stop();
  });

  it('takes for right what a full look found right, if it began later', async () => {
    const { watch, heard, kernel } = setUp('nft');
    await vi.advanceTimersByTimeAsync(0);
    watch?.noteLook(monotonicMs(), true);
    const beforeDamage = monotonicMs();
    kernel.listing = 'damage';
    await vi.advanceTimersByTimeAsync(pollIntervalMs);
    watch?.noteLook(beforeDamage, false);
    await vi.advanceTimersByTimeAsync(pollIntervalMs);
    expect(heard.slice(2)).toEqual(['change', 'change']);
    watch?.noteLook(monotonicMs(), false);
    await vi.advanceTimersByTimeAsync(3 * pollIntervalMs);
    expect(heard.slice(2)).toHaveLength(2);
    await watch?.stop();
  });

  it('looks at our chain and the one that calls it, in both families', async () => {
    const { watch, commands } = setUp('iptables-nft');
    await vi.advanceTimersByTimeAsync(0);
    expect(commands.map(({ tool, args }) => `${tool} ${args.at(-1)}`)).toEqual([
      'iptables-nft POSTROUTING',
      'iptables-nft IP-MASQ-AGENT',
      'ip6tables-nft POSTROUTING',
      'ip6tables-nft IP-MASQ-AGENT',
    ]);
    await watch?.stop();
  });
});
