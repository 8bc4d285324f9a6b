import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** What an agent without metrics and health checks must not have in memory. */
const heavy = ['prom-client', 'node:http'];

/** What a file imports as soon as it is loaded; types take no part in that. */
function staticImports(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)'/gms)].map(
    ([, target = '']) => (target.startsWith('.') ? join(dirname(file), target) : target),
  );
}

function loadedWith(entry: string): Set<string> {
  const loaded = new Set([entry]);
  // A set may grow while it is gone through.
  for (const file of loaded) {
    if (file.startsWith('src/')) for (const target of staticImports(file)) loaded.add(target);
  }
  return loaded;
}

describe('what main loads at once', () => {
  it('includes the loop and the log', () => {
    expect(loadedWith('src/main.ts')).toContain('src/agent.ts');
    expect(loadedWith('src/main.ts')).toContain('winston');
  });

  it.each(heavy)('leaves out %s', (name) => {
    expect(loadedWith('src/main.ts')).not.toContain(name);
  });

  it.each(heavy)('comes to %s where metrics are switched on', (name) => {
    const switchedOn = [...loadedWith('src/telemetry/observability.ts'), ...loadedWith('src/telemetry/metrics.ts')];
    expect(switchedOn).toContain(name);
  });
});
