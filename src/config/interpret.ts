import { sha256 } from '../digest.ts';
import type { ConfigOptions, ConfigReading } from './config.ts';
import { readConfigFile } from './file.ts';
import { Findings } from './findings.ts';
import { mergeSettings } from './merge.ts';
import { configSchema } from './schema.ts';
import type { Snapshot } from './snapshot.ts';

/** Makes a config of the files' bytes; `digest` is theirs. Pure. */
export function interpretSnapshot(snapshot: Snapshot, options: ConfigOptions, digest: string): ConfigReading {
  const findings = new Findings();
  for (const problem of snapshot.problems) findings.unread(problem);
  for (const warning of snapshot.warnings) findings.warning(() => warning);
  const schema = configSchema(options.enableIPv6);
  const settings = snapshot.files.flatMap(({ path, bytes }) => readConfigFile(path, bytes, schema, findings));
  const config = mergeSettings(settings, options, findings);
  const { problems, warnings } = findings;
  const files = snapshot.files.map(({ path }) => path);
  return problems.length === 0
    ? { ok: true, config, warnings, files, digest }
    : { ok: false, problems, warnings, files, digest };
}

/** Hash of all that a reading depends on, so that equal digests mean equal readings. */
export function digestOf({ files, problems, warnings }: Snapshot, options: ConfigOptions): string {
  const { enableIPv6, nomasqAllReservedRanges } = options;
  const sizes = files.map(({ path, bytes }) => [path, bytes.length]);
  const outline = JSON.stringify([enableIPv6, nomasqAllReservedRanges, problems, warnings, sizes]);
  return sha256(outline, ...files.map(({ bytes }) => bytes));
}
