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
const answers = z.array(answer).parse(JSON.parse(readFileSync(fixture, 'utf8')));
const groups = [...new Set(answers.map(({ group }) => group))];

describe('what Go answers', () => {
  it('was recorded for a good many texts', () => {
    expect(answers.length).toBeGreaterThan(2000);
    expect(answers.filter(({ effective }) => effective !== null).length).toBeGreaterThan(800);
  });

  it.each(groups)('is what we answer: %s', (group) => {
    for (const { config, configHex, enableIPv6 = false, effective } of answers.filter((item) => item.group === group)) {
      const text = config ?? Buffer.from(configHex ?? '', 'hex');
      const ours = effectiveOf(readText(text, { enableIPv6 }));
      expect({ text, effective: ours && comparable(effectiveConfig.parse(ours)) }).toEqual({
        text,
        effective: effective && bounded(comparable(effective)),
      });
    }
  });
});

/** The documented deviation: no interval under a second. */
function bounded<Effective extends { readonly resyncInterval: string }>(effective: Effective): Effective {
  const duration = parseDuration(effective.resyncInterval) ?? 0n;
  if (duration >= 1_000_000_000n) return effective;
  return { ...effective, resyncInterval: duration > 0n ? '1s' : '1m0s' };
}
