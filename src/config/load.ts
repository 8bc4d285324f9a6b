import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type * as z from 'zod';
import type { Cidr } from '../net/cidr.ts';
import { formatDuration } from '../net/duration.ts';
import type { Config, ConfigOptions, ConfigReading, Problem, Sourced } from './config.ts';
import { defaultCidrLimit, defaultNonMasqueradeCIDRs, defaultResyncInterval } from './defaults.ts';
import type { Provenance } from './provenance.ts';
import { configFile } from './schema.ts';

/** Reads and checks the config at a path. First cut: one YAML file. */
export async function loadConfig(path: string, options: ConfigOptions): Promise<ConfigReading> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const digest = createHash('sha256')
    .update(JSON.stringify([path, options, text]))
    .digest('hex');
  const lines = new LineCounter();
  const document = parseDocument(text, { version: '1.1', lineCounter: lines, prettyErrors: false });
  const position = (offset: number) => ({
    file: path,
    line: lines.linePos(offset).line,
    column: lines.linePos(offset).col,
  });
  const placeOf = (keys: readonly PropertyKey[]) => {
    const node = document.getIn(keys, true);
    return isScalar(node) || isMap(node) || isSeq(node) ? position(node.range?.[0] ?? 0) : position(0);
  };
  const problems: Problem[] = document.errors.map((error) => ({
    file: path,
    position: position(error.pos[0]),
    message: error.message,
  }));
  const parsed = configFile.safeParse(document.toJS() ?? {});
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      problems.push({ file: path, position: placeOf(issue.path), message: issue.message });
    }
  }
  const reading = { warnings: [], files: [path], digest };
  if (!parsed.success || problems.length > 0) return { ...reading, ok: false, problems };
  return { ...reading, ok: true, config: configOf(parsed.data, placeOf, options) };
}

function configOf(
  file: z.output<typeof configFile>,
  placeOf: (keys: readonly PropertyKey[]) => Provenance,
  options: ConfigOptions,
): Config {
  const list = (key: keyof typeof file, cidrs: readonly Cidr[] | undefined): readonly Sourced<Cidr>[] =>
    (cidrs ?? []).map((value, index) => ({ value, source: placeOf([key, index]) }));
  const scalar = <T>(key: keyof typeof file, value: T | undefined, fallback: T): Sourced<T> =>
    value === undefined ? { value: fallback, source: 'default' } : { value, source: placeOf([key]) };
  const interval = scalar('resyncInterval', file.resyncInterval, defaultResyncInterval);
  return {
    nonMasqueradeCIDRs:
      file.nonMasqueradeCIDRs === undefined
        ? defaultNonMasqueradeCIDRs(options.nomasqAllReservedRanges).map((value) => ({ value, source: 'default' }))
        : list('nonMasqueradeCIDRs', file.nonMasqueradeCIDRs),
    nonMasqueradeSrcCIDRs: list('nonMasqueradeSrcCIDRs', file.nonMasqueradeSrcCIDRs),
    forceMasqueradeCIDRs: list('forceMasqueradeCIDRs', file.forceMasqueradeCIDRs),
    masqueradeSrcCIDRs: list('masqueradeSrcCIDRs', file.masqueradeSrcCIDRs),
    masqLinkLocal: scalar('masqLinkLocal', file.masqLinkLocal, false),
    masqLinkLocalIPv6: scalar('masqLinkLocalIPv6', file.masqLinkLocalIPv6, false),
    masqOutBound: scalar('masqOutBound', file.masqOutBound, true),
    masqOutBoundIPv6: scalar('masqOutBoundIPv6', file.masqOutBoundIPv6, true),
    cidrLimit: scalar('cidrLimit', file.cidrLimit, defaultCidrLimit),
    resyncIntervalMs: { value: Number(interval.value) / 1e6, source: interval.source },
    resyncInterval: formatDuration(interval.value),
  };
}
