import type { Cidr } from '../net/cidr.ts';
import { isName } from '../net/dns-name.ts';
import { formatDuration } from '../net/duration.ts';
import type { Config, ConfigOptions, Destination, Sourced } from './config.ts';
import { defaultCidrLimit, defaultNonMasqueradeCIDRs, defaultResyncInterval } from './defaults.ts';
import { type ProblemList, problemAt } from './problems.ts';
import { type BooleanKey, type DestinationKey, rejudgeChoices, type SourceKey } from './schema.ts';
import type { FileSettings } from './settings.ts';
import type { ListSetting } from './typed-value.ts';

/**
 * Makes one config of all files, in their order: the union of lists, OR of booleans (AND for masqOutBound*), the
 * smallest interval, the largest limit, the mildest rejudgeConnections, and the default for what no file sets.
 */
export function mergeSettings(files: readonly FileSettings[], options: ConfigOptions, problems: ProblemList): Config {
  const interval = extreme(
    files,
    (file) => file.resyncInterval,
    (a, b) => a < b,
    defaultResyncInterval,
  );
  const cidrLimit = extreme(
    files,
    (file) => file.cidrLimit,
    (a, b) => a > b,
    defaultCidrLimit,
  );
  if (!problems.isIncomplete) checkLimit(files, cidrLimit, options, problems);
  const forced = [...destinations(files, 'forceMasqueradeCIDRs'), ...destinations(files, 'masqueradeCIDRs')];
  const kept = nonMasqueradeCIDRs(files, options, problems);
  warnOfNames([...kept, ...forced], problems);
  return {
    nonMasqueradeCIDRs: kept,
    nonMasqueradeSrcCIDRs: sources(files, 'nonMasqueradeSrcCIDRs'),
    forceMasqueradeCIDRs: forced,
    masqueradeSrcCIDRs: sources(files, 'masqueradeSrcCIDRs'),
    masqLinkLocal: either(files, 'masqLinkLocal', true),
    masqLinkLocalIPv6: either(files, 'masqLinkLocalIPv6', true),
    masqOutBound: either(files, 'masqOutBound', false),
    masqOutBoundIPv6: either(files, 'masqOutBoundIPv6', false),
    cidrLimit,
    rejudgeConnections: extreme(
      files,
      (file) => file.rejudgeConnections,
      (a, b) => rejudgeChoices.indexOf(a) < rejudgeChoices.indexOf(b),
      'none',
    ),
    outputAddresses: files.flatMap((file) => file.outputAddresses),
    resyncIntervalMs: { value: Number(interval.value) / 1e6, source: interval.source },
    resyncInterval: formatDuration(interval.value),
  };
}

/** Told once, at the first of them: nobody reads it at each. */
function warnOfNames(entries: readonly Sourced<Destination>[], problems: ProblemList): void {
  const [first] = entries.filter(({ value }) => isName(value));
  if (!first || first.source === 'default' || 'flag' in first.source) return;
  const { value, source } = first;
  const message = 'DNS names stand for the addresses that they have: verdicts lag behind DNS';
  problems.warning(() => problemAt(source, { message, found: value.text }));
}

function destinations(files: readonly FileSettings[], key: DestinationKey): readonly Sourced<Destination>[] {
  return files.flatMap((file) => file.destinations.get(key)?.entries ?? []);
}

function sources(files: readonly FileSettings[], key: SourceKey): readonly Sourced<Cidr>[] {
  return files.flatMap((file) => file.sources.get(key)?.entries ?? []);
}

function nonMasqueradeCIDRs(
  files: readonly FileSettings[],
  { nomasqAllReservedRanges }: ConfigOptions,
  problems: ProblemList,
): readonly Sourced<Destination>[] {
  const lists = keptLists(files);
  const [first] = lists;
  if (first === undefined) return defaultNonMasqueradeCIDRs(nomasqAllReservedRanges);
  if (!problems.isIncomplete && lists.every((list) => list.length === 0)) {
    problems.warning(() =>
      problemAt(first.source, { message: 'nonMasqueradeCIDRs is empty: everything will be masqueraded' }),
    );
  }
  return lists.flatMap((list) => list.entries);
}

function keptLists(files: readonly FileSettings[]): readonly ListSetting<Destination>[] {
  return files.map((file) => file.destinations.get('nonMasqueradeCIDRs')).filter((list) => list !== undefined);
}

/** The value that wins if any file has it; without it, what the first file says, or else the other value by default. */
function either(files: readonly FileSettings[], key: BooleanKey, winner: boolean): Sourced<boolean> {
  const settings = files.map((file) => file.booleans.get(key)).filter((setting) => setting !== undefined);
  return settings.find(({ value }) => value === winner) ?? settings[0] ?? { value: !winner, source: 'default' };
}

function extreme<T>(
  files: readonly FileSettings[],
  settingOf: (file: FileSettings) => Sourced<T> | undefined,
  beats: (a: T, b: T) => boolean,
  fallback: T,
): Sourced<T> {
  const settings = files.map(settingOf).filter((setting) => setting !== undefined);
  const [first, ...rest] = settings;
  if (first === undefined) return { value: fallback, source: 'default' };
  return rest.reduce((best, setting) => (beats(setting.value, best.value) ? setting : best), first);
}

/** As upstream, the built-in list counts too where no file has one; as in Baidu's agent, its masqueradeCIDRs do not. */
function checkLimit(
  files: readonly FileSettings[],
  { value: limit, source }: Sourced<number>,
  { nomasqAllReservedRanges }: ConfigOptions,
  problems: ProblemList,
): void {
  for (const file of files) {
    for (const [key, list] of [...file.destinations, ...file.sources]) {
      if (list.length <= limit || key === 'masqueradeCIDRs') continue;
      const message = `${key} has ${list.length} entries, more than cidrLimit allows: ${limit}`;
      problems.problem(problemAt(list.source, { message, expected: `fewer entries, or cidrLimit: ${list.length}` }));
    }
  }
  for (const { outputAddresses: outputs } of files) {
    const longest = Math.max(
      outputs.length,
      ...outputs.flatMap((each) => [each.destinations.length, each.sources.length]),
    );
    const [first] = outputs;
    if (first === undefined || longest <= limit) continue;
    const message = `outputAddresses, or a list in it, has ${longest} entries, more than cidrLimit allows: ${limit}`;
    problems.problem(problemAt(first.source, { message, expected: `fewer entries, or cidrLimit: ${longest}` }));
  }
  const defaults = keptLists(files).length === 0 ? defaultNonMasqueradeCIDRs(nomasqAllReservedRanges).length : 0;
  if (defaults <= limit || source === 'default' || 'flag' in source) return;
  const message = `nonMasqueradeCIDRs has its default of ${defaults} entries, more than cidrLimit allows: ${limit}`;
  problems.problem(problemAt(source, { message, expected: `a nonMasqueradeCIDRs list, or cidrLimit: ${defaults}` }));
}
