import type { ConfigOptions, ConfigReading } from './config.ts';
import { createConfigReader } from './reader.ts';

/** Reads the config at a path once: a file, or a directory whose files named `ip-masq*` are merged. Never throws. */
export async function loadConfig(path: string, options: ConfigOptions): Promise<ConfigReading> {
  return await createConfigReader(path, options).read();
}
