import type { ConfigOptions, ConfigReading } from '../../../src/config/config.ts';
import { effectiveConfigJson } from '../../../src/config/config.ts';
import { interpretSnapshot } from '../../../src/config/interpret.ts';
import { formatProblem } from '../../../src/config/problems.ts';

export const defaultOptions: ConfigOptions = { enableIPv6: false, nomasqAllReservedRanges: false, allowNames: true };

/** Reads texts as if they were the files `a`, `b`, … of a config directory. */
export function readTexts(
  texts: readonly (string | Uint8Array)[],
  options: Partial<ConfigOptions> = {},
): ConfigReading {
  const files = texts.map((text, index) => ({
    path: String.fromCharCode(0x61 + index),
    bytes: typeof text === 'string' ? Buffer.from(text) : text,
  }));
  const snapshot = { files, problems: [], warnings: [], isUnsettled: false };
  return interpretSnapshot(snapshot, { ...defaultOptions, ...options }, 'digest');
}

/** Reads one text as if it were the file `a`. */
export function readText(text: string | Uint8Array, options: Partial<ConfigOptions> = {}): ConfigReading {
  return readTexts([text], options);
}

/** The effective config of an accepted reading, null for a rejected one. */
export function effectiveOf(reading: ConfigReading): Readonly<Record<string, unknown>> | null {
  return reading.ok ? effectiveConfigJson(reading.config) : null;
}

/** Everything that `validate` tells: problems, then warnings. */
export function complaintsOf(reading: ConfigReading): readonly string[] {
  const problems = reading.ok ? [] : reading.problems;
  return [
    ...problems.map((problem) => `error: ${formatProblem(problem)}`),
    ...reading.warnings.map((warning) => `warning: ${formatProblem(warning)}`),
  ];
}
