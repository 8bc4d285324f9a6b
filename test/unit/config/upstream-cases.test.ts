import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { comparable, effectiveConfig } from './effective-config.ts';
import { complaintsOf, effectiveOf, readText, readTexts } from './read-text.ts';

const upstreamCase = z.object({
  name: z.string(),
  flags: z.array(z.string()),
  config: z.string().nullable(),
  configHex: z.string().optional(),
  exit: z.number().nullable(),
  errors: z.array(z.string()),
  effective: effectiveConfig.nullable(),
});

type UpstreamCase = z.output<typeof upstreamCase>;

const fixture = new URL('../../fixtures/upstream-v2.12.6-cases.json', import.meta.url);
const cases = z.array(upstreamCase).parse(JSON.parse(readFileSync(fixture, 'utf8')));

/** Where this agent means to differ: rejected here, or accepted with other values. */
const deviations: Readonly<Record<string, 'rejected' | Partial<z.output<typeof effectiveConfig>>>> = {
  'null-entry': 'rejected',
  'cidr4-15': 'rejected',
  'cidr4-03': 'rejected',
  'cidr4-07': 'rejected',
  'cidr6-11': 'rejected',
  'duration-03': { resyncInterval: '1s' },
  'duration-06': { resyncInterval: '1m0s' },
  'duration-07': { resyncInterval: '1m0s' },
  'duration-08': { resyncInterval: '1m0s' },
  'duration-17': { resyncInterval: '1s' },
  'duration-18': { resyncInterval: '1s' },
  'duration-mu-greek': { resyncInterval: '1s' },
  'whole-configmap': { nonMasqueradeCIDRs: ['10.0.0.0/8'] },
};

/** Accepted with a warning that upstream does not give. */
const warnings: Readonly<Record<string, RegExp>> = {
  'unknown-key': /^warning: a:2:1: fooBar: unknown key, ignored$/,
  'multi-document': /^warning: a:2:1: .*only the first YAML document/,
  'duplicate-key': /^warning: a:1:1: nonMasqueradeCIDRs: key set more than once/,
  'json-case-dup': /^warning: a:1:2: NonMasqueradeCIDRs: key set more than once/,
  'empty-list': /^warning: a:1:21: nonMasqueradeCIDRs is empty: everything will be masqueraded$/,
  'null-list': /^warning: a:1:20: nonMasqueradeCIDRs is empty: everything will be masqueraded$/,
  'duration-07': /^warning: a:1:17: "0s": too short a resyncInterval; 1m0s is used$/,
};

/** The cases that are about other flags say nothing about config texts. */
const aboutOtherFlags = /^(flag-|chain-name|to-ports-|klog-|no-random)/;

describe('the recorded cases of upstream v2.12.6', () => {
  it('are all there', () => {
    expect(cases).toHaveLength(118);
    const names = new Set(cases.map(({ name }) => name));
    for (const name of [...Object.keys(deviations), ...Object.keys(warnings)]) expect(names).toContain(name);
  });

  it.each(cases.filter(({ name }) => !aboutOtherFlags.test(name)))('$name', (recorded) => {
    const reading = readCase(recorded);
    const deviation = deviations[recorded.name];
    const isAccepted = recorded.exit === null && recorded.errors.length === 0;
    expect(reading.ok).toBe(deviation === 'rejected' ? false : isAccepted);
    if (!reading.ok) expect(complaintsOf(reading)[0]).toMatch(/^error: a:\d+:\d+: /);
    if (reading.ok && recorded.effective !== null) {
      const effective = effectiveConfig.parse(effectiveOf(reading));
      expect(comparable(effective)).toEqual(comparable({ ...recorded.effective, ...Object(deviation) }));
    }
    const warning = warnings[recorded.name];
    if (warning !== undefined) expect(complaintsOf(reading)).toEqual([expect.stringMatching(warning)]);
  });

  it.each([
    ['missing-file', 3],
    ['reserved-ranges', 11],
  ])('%s applies the %i built-in ranges', (name, count) => {
    const recorded = cases.find((upstream) => upstream.name === name);
    const reading = recorded === undefined ? undefined : readCase(recorded);
    expect(reading?.ok === true ? reading.config.nonMasqueradeCIDRs.length : undefined).toBe(count);
  });
});

function readCase({ flags, config, configHex }: UpstreamCase) {
  const options = {
    enableIPv6: flags.includes('--enable-ipv6'),
    nomasqAllReservedRanges: flags.includes('--nomasq-all-reserved-ranges'),
  };
  if (configHex !== undefined) return readText(Buffer.from(configHex, 'hex'), options);
  return config === null ? readTexts([], options) : readText(config, options);
}
