import type { Config, ConfigReading } from '../config/config.ts';
import { type ConfigReader, createConfigReader } from '../config/load.ts';
import { formatDuration } from '../net/duration.ts';
import { buildPolicy } from '../policy/build.ts';
import { lintPolicy } from '../policy/lint.ts';
import type { Policy } from '../policy/policy.ts';
import type { Flags } from './flags.ts';

/** The config as the flags make it: where it is, what they allow in it, and what they override. */
export function configReaderOf(flags: Flags): ConfigReader {
  const reader = createConfigReader(flags.config, {
    enableIPv6: flags['enable-ipv6'],
    nomasqAllReservedRanges: flags['nomasq-all-reserved-ranges'],
  });
  return { read: async () => overridden(await reader.read(), flags['resync-interval']) };
}

function overridden(reading: ConfigReading, intervalMs: number | undefined): ConfigReading {
  if (!reading.ok || intervalMs === undefined) return reading;
  const resyncIntervalMs = { value: intervalMs, source: { flag: 'resync-interval' } };
  const resyncInterval = formatDuration(BigInt(intervalMs) * 1_000_000n);
  return { ...reading, config: { ...reading.config, resyncIntervalMs, resyncInterval } };
}

/** The policy that the flags make of a config. */
export function policyOf(flags: Flags, config: Config): Policy {
  return buildPolicy(config, {
    enableIPv6: flags['enable-ipv6'],
    randomFully: flags['random-fully'],
    toPorts: flags['to-ports'],
  });
}

/** A reading with what is odd about its policy among the warnings. */
export function linted(flags: Flags, reading: ConfigReading): ConfigReading {
  if (!reading.ok) return reading;
  return {
    ...reading,
    warnings: [...reading.warnings, ...lintPolicy(policyOf(flags, reading.config), reading.config)],
  };
}
