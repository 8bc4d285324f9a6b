import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textLine } from '../../../src/telemetry/log.ts';

describe('textLine', () => {
  it('lays out time, level, message and fields', () => {
    const line = textLine({
      timestamp: '2026-01-02T03:04:05.678Z',
      level: 'info',
      message: 'rules changed',
      took: '12ms',
      added: ['10.0.0.0/8 (a:1)', '::/0 (a:2)'],
      count: 3,
      empty: '',
    });
    expect(line).toBe(
      '2026-01-02T03:04:05.678Z info  rules changed took=12ms added="10.0.0.0/8 (a:1), ::/0 (a:2)" count=3 empty=""',
    );
  });

  it('writes one line, whatever a config or a tool puts into it', () => {
    expect(textLine({ timestamp: 't', level: 'error', message: 'a\nb\u001b[31m', x: 'c\nd' })).toBe(
      't error a\\nb\\u001b[31m x="c\\nd"',
    );
    // All control characters are among these.
    const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xff }).map((code) => String.fromCharCode(code)) });
    fc.assert(
      fc.property(anyText, anyText, (message, field) => {
        expect(textLine({ timestamp: 't', level: 'warn', message, field })).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});

describe('createLog', () => {
  /** What a process of its own writes, since a test runner has the console of this one in its hands. */
  function written(code: string): { stdout: string; stderr: string } {
    const script = `import { createLog } from './src/telemetry/log.ts';\n${code}`;
    return spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
  }

  it('writes info to stdout, warnings and errors to stderr, and debug only where it is wanted', () => {
    const { stdout, stderr } = written(`
      const log = createLog({ level: 'info', format: 'text' });
      for (const level of ['error', 'warn', 'info', 'debug']) log[level](level + '!');
      createLog({ level: 'debug', format: 'text' }).debug('details');
    `);
    expect(stdout).toMatch(/^\S+ info {2}info!\n\S+ debug details\n$/);
    expect(stderr).toMatch(/^\S+ error error!\n\S+ warn {2}warn!\n$/);
  });

  it('writes JSON, one object a line, lists as lists', () => {
    const { stdout } = written(`
      createLog({ level: 'info', format: 'json' }).info('rules\\nchanged', { added: ['10.0.0.0/8'], took: '1ms' });
    `);
    expect(stdout).toMatch(/^[^\n]+\n$/);
    expect(JSON.parse(stdout)).toEqual({
      level: 'info',
      message: 'rules\nchanged',
      added: ['10.0.0.0/8'],
      took: '1ms',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
  });

  it('drops what a full pipe has no room for, tells how many lines that were, and lets the process end', async () => {
    const script = `
      import { createLog } from './src/telemetry/log.ts';
      const log = createLog({ level: 'info', format: 'text' });
      for (let line = 0; line < 20_000; line++) log.info('x'.repeat(200), { line });
      const before = process.stdout.writableLength;
      process.stderr.write(before + '\\n');
      process.stdout.on('drain', () => log.info('there is room again'));
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script]);
    // Only when all has been written is it read.
    const [waiting] = await once(child.stderr, 'data');
    expect(Number(waiting)).toBeLessThan(128 * 1024);
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const written = stdout.match(/ line=\d+\n/g)?.length ?? 0;
    expect(written).toBeGreaterThan(100);
    expect(stdout).toMatch(/there is room again\n$/);
    expect(Number(/ log lines were dropped, since nobody read them dropped=(\d+)\n/.exec(stderr)?.[1])).toBe(
      20_000 - written,
    );
  });
});
