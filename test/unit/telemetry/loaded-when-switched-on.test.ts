import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** What an agent without metrics and health checks must not have in memory. */
const heavy = ['prom-client', 'src/telemetry/http-server.ts'];

/** What a file imports as soon as it is loaded; types take no part in that. */
function staticImports(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)'/gms)].map(
    ([, target = '']) => (target.startsWith('.') ? join(dirname(file), target) : target),
  );
}

function loadedWith(...entries: string[]): Set<string> {
  const loaded = new Set(entries);
  // A set may grow while it is gone through.
  for (const file of loaded) {
    if (file.startsWith('src/')) for (const target of staticImports(file)) loaded.add(target);
  }
  return loaded;
}

const run = 'src/cli/commands/run.ts';
/** What `run` loads by itself, whatever its flags, once it has started the first tool. */
const loadedMeanwhile = ['src/cli/wire/policy.ts', 'src/telemetry/log.ts', 'src/config/watch.ts'];

describe('what an agent loads before it starts the first tool', () => {
  it('includes the loop and what runs tools', () => {
    expect(loadedWith(run)).toContain('src/agent.ts');
    expect(loadedWith(run)).toContain('src/system/run.ts');
  });

  it.each(['winston', 'chokidar', 'zod/mini', 'src/cli/commands/status.ts'])('leaves out %s', (name) => {
    expect(loadedWith('src/main.ts', run)).not.toContain(name);
  });

  it.each(loadedMeanwhile)('leaves %s for later', (file) => {
    expect(readFileSync(run, 'utf8')).toContain(
      `import('${file.replace('src/cli/', '../').replace('src/', '../../')}')`,
    );
  });
});

describe('what an agent without metrics and health checks loads', () => {
  it('includes the log and the watch', () => {
    const loaded = loadedWith(run, ...loadedMeanwhile);
    for (const name of ['winston', 'chokidar', 'zod/mini']) expect(loaded).toContain(name);
  });

  it.each(heavy)('leaves out %s', (name) => {
    expect(loadedWith('src/main.ts', run, ...loadedMeanwhile)).not.toContain(name);
  });

  it.each(heavy)('comes to %s where metrics are switched on', (name) => {
    expect(loadedWith('src/telemetry/endpoints.ts', 'src/telemetry/metrics.ts')).toContain(name);
  });
});
