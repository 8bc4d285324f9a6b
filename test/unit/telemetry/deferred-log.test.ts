import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { createDeferredLog } from '../../../src/telemetry/deferred-log.ts';
import type { Log } from '../../../src/telemetry/log.ts';

/** A log that remembers what it is told. */
function recorder(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  const write = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  return { log: { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug') }, lines };
}

describe('createDeferredLog', () => {
  it('loads nothing before there is something to log, nor before what goes on now has run', async () => {
    const load = vi.fn(() => Promise.resolve(recorder().log));
    const log = createDeferredLog(load);
    await sleep(100);
    log.info('one');
    await Promise.resolve();
    expect(load).not.toHaveBeenCalled();
    await expect.poll(() => load).toHaveBeenCalledOnce();
  });

  it('passes everything on, once and in order', async () => {
    const { log: target, lines } = recorder();
    const loading = Promise.withResolvers<Log>();
    const log = createDeferredLog(() => loading.promise);
    log.info('one');
    log.error('two');
    await sleep(100);
    log.warn('three');
    loading.resolve(target);
    await expect.poll(() => lines).toHaveLength(3);
    log.debug('four');
    expect(lines).toEqual(['info one', 'error two', 'warn three', 'debug four']);
  });
});
