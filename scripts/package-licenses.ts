import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';

/**
 * Prints the licences of what is bundled with the agent: of the packages that it imports, as package-lock.json knows
 * them, and of the Node that runs this, which is the one that is packaged.
 */
const lock = z
  .object({
    packages: z.record(z.string(), z.object({ dev: z.boolean().optional(), optional: z.boolean().optional() })),
  })
  .parse(JSON.parse(readFileSync('package-lock.json', 'utf8')));

const bundled = Object.entries(lock.packages)
  .filter(([path, { dev, optional }]) => path !== '' && !dev && !optional)
  .map(([path]) => path);
const nodePackage = dirname(dirname(process.execPath));

for (const directory of [...bundled, nodePackage]) {
  for (const file of readdirSync(directory).filter((name) => /^licen[cs]e/i.test(name))) {
    const name = directory.slice(directory.lastIndexOf('node_modules/') + 'node_modules/'.length);
    process.stdout.write(`=== ${name}\n\n${readFileSync(join(directory, file), 'utf8')}\n\n`);
  }
}
