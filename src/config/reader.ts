import type { ConfigOptions, ConfigReading } from './config.ts';
import { loadConfig } from './load.ts';

/** Reads the same config again and again. */
export interface ConfigReader {
  /** What the config is now. The same object as last time while the bytes are the same. */
  read(): Promise<ConfigReading>;
}

/** A reader that remembers its last reading. */
export function createConfigReader(path: string, options: ConfigOptions): ConfigReader {
  let last: ConfigReading | undefined;
  return {
    async read() {
      const reading = await loadConfig(path, options);
      if (reading.digest !== last?.digest) last = reading;
      return last;
    },
  };
}
