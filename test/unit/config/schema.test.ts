import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { publishedSchema, schemaFile } from '../../../scripts/schema.ts';
import { configKeyOf, configKeys } from '../../../src/config/schema.ts';

const jsonSchema = z.object({
  properties: z.record(z.string(), z.object({ description: z.string(), default: z.unknown() })),
  patternProperties: z.record(z.string(), z.object({ $ref: z.string() })),
});

describe('the published JSON Schema', () => {
  const text = readFileSync(schemaFile, 'utf8');

  it('is current: run node scripts/schema.ts', () => {
    expect(text).toBe(publishedSchema());
  });

  it('describes every key, with its default', () => {
    const { properties } = jsonSchema.parse(JSON.parse(text));
    expect(new Set(Object.keys(properties))).toEqual(new Set(configKeys));
    expect(properties['nonMasqueradeCIDRs']?.default).toEqual(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']);
    expect(properties['resyncInterval']?.default).toBe('1m0s');
    expect(properties['cidrLimit']?.default).toBe(64);
  });

  it('knows the keys in any letter case, as the agent does', () => {
    const { patternProperties } = jsonSchema.parse(JSON.parse(text));
    for (const key of ['NonMasqueradeCIDRs', 'nonmasqueradecidrs', 'MASQLINKLOCALIPV6', 'maskLinkLocal']) {
      const matches = Object.entries(patternProperties).filter(([pattern]) => new RegExp(pattern, 'u').test(key));
      const meant = configKeyOf(key);
      expect(matches.map(([, { $ref }]) => $ref)).toEqual(meant === undefined ? [] : [`#/properties/${meant}`]);
    }
  });
});
