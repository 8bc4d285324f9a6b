import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../../src/config/config.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { buildPolicy } from '../../../src/policy/build.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { configText } from '../../generators/config-text.ts';
import type { PlainPolicy } from '../../generators/plain-policy.ts';

export interface LoadedPolicy {
  readonly file: string;
  readonly config: Config;
  readonly policy: Policy;
}

/** Writes a config file that asks for the policy, and makes of it and of flags what the agent makes. */
export async function load(plain: PlainPolicy, directory: string): Promise<LoadedPolicy> {
  const file = join(directory, 'policy.yaml');
  const { text } = configText(plain);
  await writeFile(file, text);
  const { randomFully, toPorts, ipv6 } = plain;
  const reading = await loadConfig(file, {
    enableIPv6: ipv6.enabled,
    nomasqAllReservedRanges: false,
    allowNames: true,
  });
  if (!reading.ok) throw new Error(`${JSON.stringify(reading.problems)}\n${text}`);
  const policy = buildPolicy(reading.config, { enableIPv6: ipv6.enabled, randomFully, toPorts });
  return { file, config: reading.config, policy };
}
