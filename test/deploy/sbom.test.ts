import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { bundledPackages } from '../../scripts/bundled-packages.ts';
import { tool } from '../container/tool.ts';
import { root } from './manifests.ts';
import { validateCycloneDx } from './sbom-tools.ts';

const component = z.looseObject({ name: z.string(), version: z.string(), purl: z.string() });
const documentSchema = z.looseObject({
  components: z.array(component.extend({ components: z.array(component).optional(), cpe: z.string().optional() })),
});

describe('the software bill of materials', () => {
  let text: string;

  beforeAll(async () => {
    text = await tool(process.execPath, `${root}scripts/package-sbom.ts`);
  });

  it('is a valid CycloneDX document', async () => {
    await validateCycloneDx(text);
    await expect(validateCycloneDx(text.replace('"CycloneDX"', '"Cyclone"'))).rejects.toThrow('bomFormat');
  });

  it('names Node, what is inside it, and every npm package of the bundle', () => {
    const { components } = documentSchema.parse(JSON.parse(text));
    const node = components.find(({ name }) => name === 'node');
    expect(node).toMatchObject({
      version: process.versions.node,
      cpe: `cpe:2.3:a:nodejs:node.js:${process.versions.node}:*:*:*:*:*:*:*`,
    });
    expect(node?.components?.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['openssl', 'v8', 'libuv', 'zlib']),
    );
    const purls = components.map(({ purl }) => purl);
    for (const { name, version } of bundledPackages()) {
      expect(purls).toContain(`pkg:npm/${name.replace('@', '%40')}@${version}`);
    }
    expect(purls).toEqual(expect.arrayContaining([expect.stringContaining('pkg:npm/zod@')]));
  });

  it('is the same each time', async () => {
    expect(await tool(process.execPath, `${root}scripts/package-sbom.ts`)).toBe(text);
  });
});
