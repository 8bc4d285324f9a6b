import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from '../container/cache.ts';
import { npm } from '../container/npm.ts';
import { feedTool } from '../container/tool.ts';

const validator = cached('cyclonedx');

/** Before the tests of a run: fetches the CycloneDX project's own validator, once. */
export default async function setup(): Promise<void> {
  if (existsSync(validator)) return;
  const work = await mkdtemp(cached('cyclonedx-'));
  try {
    const packages = ['@cyclonedx/cyclonedx-library@10.3.0', 'ajv@8.17.1', 'ajv-formats@3.0.1'];
    await npm('install', '--loglevel=error', '--prefix', work, ...packages, 'ajv-formats-draft2019@1.6.1');
    await rename(work, validator);
  } catch (error) {
    await rm(work, { recursive: true });
    throw error;
  }
}

/** Rejects with all that is wrong with a CycloneDX 1.6 document. */
export async function validateCycloneDx(document: string): Promise<void> {
  const script = `
const { Spec, Validation } = require(process.argv[1]);
const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
validator.validate(require('node:fs').readFileSync(0, 'utf8')).then((errors) => {
  if (errors !== null) { console.error(JSON.stringify(errors, undefined, 2)); process.exitCode = 1; }
});`;
  const library = join(validator, 'node_modules/@cyclonedx/cyclonedx-library');
  await feedTool(document, process.execPath, '--eval', script, library);
}
