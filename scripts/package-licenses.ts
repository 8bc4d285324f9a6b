import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { bundledPackages } from './bundled-packages.ts';

/**
 * Prints the licences of what is bundled with the agent, and, unless told `--without-node`, of the Node that runs this, which
 * is the one that is packaged.
 */
const nodeDirectory = dirname(dirname(process.execPath));
const node = process.argv.includes('--without-node')
  ? []
  : [{ directory: nodeDirectory, name: basename(nodeDirectory) }];

for (const { directory, name } of [...bundledPackages(), ...node]) {
  for (const file of readdirSync(directory).filter((entry) => /^licen[cs]e/i.test(entry))) {
    process.stdout.write(`=== ${name}\n\n${readFileSync(join(directory, file), 'utf8')}\n\n`);
  }
}
