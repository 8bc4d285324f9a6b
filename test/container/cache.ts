import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** What takes minutes to make or fetch and does not change: base images, kubectl, helm. Removing it costs only time. */
export const cacheDirectory = '/var/tmp/ip-masq-agent-test';

/** The path of something in the cache, whose directory exists. */
export function cached(name: string): string {
  mkdirSync(cacheDirectory, { recursive: true });
  return join(cacheDirectory, name);
}
