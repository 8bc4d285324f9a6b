import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { parseDuration } from '../../../src/net/duration.ts';
import { comparable, effectiveConfig } from './effective-config.ts';
import { effectiveOf, readText } from './read-text.ts';

/**
 * What Go made of texts: upstream's decoding (sigs.k8s.io/yaml v1.6.0 with go.yaml.in/yaml/v2 v2.4.4, encoding/json,
 * net.ParseCIDR, time.ParseDuration) run on each; `effective` is null where it gave an error.
 */
const answer = z.object({
  group: z.string(),
  config: z.string().optional(),
  configHex: z.string().optional(),
  enableIPv6: z.boolean().optional(),
  effective: effectiveConfig.nullable(),
});

const fixture = new URL('../../fixtures/config/go-answers.json', import.meta.url);
const differencesFixture = new URL('../../fixtures/config/expected-differences.json', import.meta.url);

/** A text that Go accepts and we refuse, or the other way round, and what makes it such. */
const difference = z.object({
  difference: z.enum(['refused', 'accepted']),
  why: z.string(),
  config: z.string().optional(),
  configHex: z.string().optional(),
  enableIPv6: z.boolean().optional(),
});

const differences = z.array(difference).parse(JSON.parse(readFileSync(differencesFixture, 'utf8')));
const answers = z.array(answer).parse(JSON.parse(readFileSync(fixture, 'utf8')));
const expectedDifferences = new Map(differences.map((listed) => [identityOf(listed), listed.difference]));
const groups = [...new Set(answers.map(({ group }) => group))];

describe('what Go answers', () => {
  it('was recorded for a good many texts', () => {
    expect(answers.length).toBeGreaterThan(2000);
    expect(answers.filter(({ effective }) => effective !== null).length).toBeGreaterThan(800);
  });

  it.each(groups)('is what we answer, or a listed difference: %s', (group) => {
    for (const recorded of answers.filter((item) => item.group === group)) {
      const { effective } = recorded;
      const expected = effective && bounded(comparable(effective));
      const ours = answerTo(recorded);
      const listed = expectedDifferences.get(identityOf(recorded));
      const found = (ours === null) === (expected === null) ? undefined : ours === null ? 'refused' : 'accepted';
      expect({ recorded, difference: found }).toEqual({ recorded, difference: listed });
      // Never another meaning: what both accept has the same values.
      if (ours !== null && expected !== null) expect({ recorded, ours }).toEqual({ recorded, ours: expected });
    }
  });

  it('lists no difference for texts that nobody recorded', () => {
    const recorded = new Set(answers.map(identityOf));
    expect(differences.filter((listed) => !recorded.has(identityOf(listed)))).toEqual([]);
    expect(expectedDifferences.size).toBe(differences.length);
  });
});

type Recorded = Pick<z.output<typeof answer>, 'config' | 'configHex' | 'enableIPv6'>;

function identityOf({ config, configHex, enableIPv6 = false }: Recorded): string {
  return JSON.stringify([config, configHex, enableIPv6]);
}

function answerTo({ config, configHex, enableIPv6 = false }: Recorded) {
  const ours = effectiveOf(readText(config ?? Buffer.from(configHex ?? '', 'hex'), { enableIPv6 }));
  return ours && comparable(effectiveConfig.parse(ours));
}

/** The documented deviation: no interval under a second. */
function bounded<Effective extends { readonly resyncInterval: string }>(effective: Effective): Effective {
  const duration = parseDuration(effective.resyncInterval) ?? 0n;
  if (duration >= 1_000_000_000n) return effective;
  return { ...effective, resyncInterval: duration > 0n ? '1s' : '1m0s' };
}
