import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { npm } from '../container/npm.ts';
import { root } from './manifests.ts';

/** Packing builds the bundle, and npx installs the package with its Node. */
const patience = 180_000;

const packed = z.tuple([z.object({ filename: z.string(), files: z.array(z.object({ path: z.string() })) })]);

describe('the npm package', () => {
  let directory: string;
  let archive: string;
  let files: string[];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'npm-package-'));
    const output = await npm('pack', root, '--json', '--loglevel=error', '--pack-destination', directory);
    // What the scripts print comes before.
    const [result] = packed.parse(JSON.parse(output.slice(output.search(/^\[/m))));
    archive = join(directory, result.filename);
    files = result.files.map(({ path }) => path);
  }, patience);
  afterAll(() => rm(directory, { recursive: true }));

  it('contains the bundle, its licences, the schema and what npm shows, and nothing else', () => {
    expect(files.toSorted()).toEqual([
      'LICENSE',
      'README.md',
      'README.zh-CN.md',
      'dist/agent.js',
      'dist/ip-masq-agent.js',
      'dist/package.json',
      'dist/third-party-licenses',
      'package.json',
      'schema/ip-masq-agent.schema.json',
    ]);
  });

  it(
    'works by npx',
    async () => {
      const elsewhere = await mkdtemp(join(directory, 'elsewhere-'));
      // What npx runs; under a prefix of its own it sees nothing of this repository.
      const line = ['exec', '--prefix', elsewhere, '--yes', '--package', archive, '--', 'ip-masq-agent', 'version'];
      expect(await npm(...line)).toMatch(/^ip-masq-agent \d/);
    },
    patience,
  );
});
