import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load.ts';
import { defaultOptions } from '../unit/config/read-text.ts';
import { hostileTexts } from './hostile-texts.ts';

/** Reads one hostile text of so many bytes, as the agent reads it, and prints what that cost. */
const [, , name = '', size = ''] = process.argv;
const directory = mkdtempSync(join(tmpdir(), 'ip-masq-agent-hostile-'));
try {
  const file = join(directory, 'ip-masq-agent');
  writeFileSync(file, (hostileTexts[name]?.(Number(size)) ?? '').slice(0, Number(size)));
  const start = performance.now();
  const reading = await loadConfig(file, defaultOptions);
  const milliseconds = performance.now() - start;
  const megabytes = process.resourceUsage().maxRSS / 1024;
  const told = reading.warnings.length + (reading.ok ? 0 : reading.problems.length);
  process.stdout.write(`${JSON.stringify({ name, ok: reading.ok, told, milliseconds, megabytes })}\n`);
} finally {
  rmSync(directory, { recursive: true });
}
