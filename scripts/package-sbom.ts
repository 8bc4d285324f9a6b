import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { type BundledPackage, bundledPackages } from './bundled-packages.ts';

/**
 * Prints what the packaged executable is made of, for scanners, as a CycloneDX 1.6 document
 * (https://cyclonedx.org/docs/1.6/json/): the agent, the Node that runs this, which is the one that is packaged, the libraries
 * inside that Node, and the npm packages of the bundle. No time and no random number is in it: equal parts, equal text.
 */
const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync('package.json', 'utf8')));

/** Entries of process.versions that name no library: interfaces, and data of ICU. */
const noLibraries = new Set(['node', 'modules', 'napi', 'cldr', 'tz', 'unicode', 'nbytes', 'ncrypto']);

/** What scanners know the parts of Node by, where process.versions has another word. */
const knownAs: Readonly<Record<string, string>> = { ares: 'c-ares', uv: 'libuv' };
const partsFromNpm = new Set(['acorn', 'amaro', 'undici']);

function nodeParts(): object[] {
  return Object.entries(process.versions)
    .filter(([name, version = '']) => version !== '' && !noLibraries.has(name))
    .map(([name, version = '']) => {
      const known = knownAs[name] ?? name;
      return {
        type: 'library',
        'bom-ref': `node/${known}`,
        name: known,
        version,
        purl: `pkg:${partsFromNpm.has(name) ? 'npm' : 'generic'}/${known}@${encodeURIComponent(version)}`,
      };
    });
}

function node(): object {
  const version = process.versions.node;
  return {
    type: 'library',
    'bom-ref': 'node',
    name: 'node',
    version,
    licenses: [{ license: { id: 'MIT' } }],
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    purl: `pkg:generic/node@${version}`,
    components: nodeParts(),
  };
}

function npmPackage({ name, version, license, integrity, directory }: BundledPackage): object {
  const [algorithm, hash = ''] = integrity?.split('-') ?? [];
  return {
    type: 'library',
    'bom-ref': directory,
    name,
    version,
    ...(license === undefined ? {} : { licenses: [{ license: { id: license } }] }),
    ...(algorithm === 'sha512'
      ? { hashes: [{ alg: 'SHA-512', content: Buffer.from(hash, 'base64').toString('hex') }] }
      : {}),
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
  };
}

const document = {
  $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  version: 1,
  metadata: {
    component: {
      type: 'application',
      'bom-ref': 'ip-masq-agent',
      name: 'ip-masq-agent',
      version,
      licenses: [{ license: { id: 'Apache-2.0' } }],
    },
  },
  components: [node(), ...bundledPackages().map(npmPackage)],
};
process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
