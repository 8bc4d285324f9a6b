import { readFileSync } from 'node:fs';
import * as z from 'zod';

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      license: z.string().optional(),
      integrity: z.string().optional(),
      dev: z.boolean().optional(),
      optional: z.boolean().optional(),
    }),
  ),
});

/** An npm package whose code is in what is shipped. */
export interface BundledPackage {
  /** Where it is installed. */
  readonly directory: string;
  readonly name: string;
  readonly version: string;
  readonly license: string | undefined;
  /** As package-lock.json has it: an algorithm, a dash, and the hash of the package's archive in base64. */
  readonly integrity: string | undefined;
}

/**
 * The npm packages that are bundled with the agent: those that it imports, and theirs, as package-lock.json knows them. The
 * optional ones are the Node that everything runs on.
 */
export function bundledPackages(): BundledPackage[] {
  const { packages } = lockSchema.parse(JSON.parse(readFileSync('package-lock.json', 'utf8')));
  return Object.entries(packages)
    .filter(([directory, { dev, optional }]) => directory !== '' && !dev && !optional)
    .map(([directory, { version = '', license, integrity }]) => ({
      directory,
      name: directory.slice(directory.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version,
      license,
      integrity,
    }));
}
