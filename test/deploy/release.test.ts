import { readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { tool } from '../container/tool.ts';
import { helmPath, kubectlPath } from './kubernetes-tools.ts';
import { parseManifests, root } from './manifests.ts';

const workflows = `${root}.github/workflows`;
const workflowSchema = z.object({
  jobs: z.record(
    z.string(),
    z.object({ steps: z.array(z.object({ name: z.string().optional(), run: z.string().optional() })) }),
  ),
});
const release = workflowSchema.parse(parse(readFileSync(`${workflows}/release.yml`, 'utf8')));
const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(`${root}package.json`, 'utf8')));

function scriptOf(name: string): string {
  const steps = Object.values(release.jobs).flatMap((job) => job.steps);
  const script = steps.find((step) => step.name === name)?.run;
  if (script === undefined) throw new Error(`the workflow has no step "${name}"`);
  return script;
}

describe('the workflows', () => {
  it.each(readdirSync(workflows))('take actions by commit, and say which version that is: %s', (file) => {
    const uses = readFileSync(join(workflows, file), 'utf8').match(/uses: .*/g) ?? [];
    expect(uses.length).toBeGreaterThan(0);
    expect(uses.filter((line) => !/^uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
  });

  it('are kept up to date, as are npm packages and base images', () => {
    const { updates } = z
      .object({ updates: z.array(z.object({ 'package-ecosystem': z.string() })) })
      .parse(parse(readFileSync(`${root}.github/dependabot.yml`, 'utf8')));
    expect(updates.map((update) => update['package-ecosystem']).sort()).toEqual(['docker', 'github-actions', 'npm']);
  });

  it('find the base images where the Dockerfile has them', () => {
    const dockerfile = readFileSync(`${root}Dockerfile`, 'utf8');
    for (const base of ['NODE', 'DEBIAN']) {
      expect(dockerfile).toMatch(new RegExp(`^ARG ${base}_IMAGE=docker\\.io/\\S+$`, 'm'));
      expect(dockerfile).toContain(`FROM $${base}_IMAGE AS`);
    }
    expect(dockerfile.match(/^FROM .*/gm)).toHaveLength(3);
  });
});

describe('a release', () => {
  const image = 'ghcr.io/example/ip-masq-agent';
  const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
  let directory: string;

  /** Runs a step of the workflow in a copy of what it works with, with tools that publish nothing. */
  async function runStep(name: string): Promise<void> {
    const variables = { IMAGE: image, DIGEST: digest, TAG: `v${version}`, GITHUB_REPOSITORY_OWNER: 'example' };
    const settings = Object.entries(variables).map(([key, value]) => `${key}=${value}`);
    const script = `cd "$0" && PATH="$0/tools:$PATH" && ${scriptOf(name)}`;
    await tool('env', ...settings, 'bash', '-euc', script, directory);
  }

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'release-'));
    for (const part of ['deploy', 'schema', 'package.json']) {
      await cp(`${root}${part}`, join(directory, part), { recursive: true, verbatimSymlinks: true });
    }
    await mkdir(join(directory, 'assets'));
    await mkdir(join(directory, 'tools'));
    const stub = `#!/bin/sh\ntest "$1" = push || exec ${helmPath} "$@"\n`;
    await writeFile(join(directory, 'tools/helm'), stub, { mode: 0o755 });
    await writeFile(join(directory, 'tools/kubectl'), `#!/bin/sh\nexec ${kubectlPath} "$@"\n`, { mode: 0o755 });
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('has one version', async () => {
    const checks = scriptOf('The tag is the version of package.json and chart').replace(
      '$(jq -r .version package.json)',
      version,
    );
    const script = `cd "$0" && TAG="$1" && ${checks}`;
    await tool('bash', '-euc', script, directory, `v${version}`);
    await expect(tool('bash', '-euc', script, directory, 'v99.0.0')).rejects.toThrow('exit code 1');
  });

  it('has a chart that names the very image', async () => {
    await runStep('The chart, which names this very image');
    const archive = join(directory, `assets/ip-masq-agent-${version}.tgz`);
    const manifests = await tool(
      helmPath,
      'template',
      'x',
      archive,
      '--set',
      'metrics.enabled=true,metrics.dashboard.enabled=true',
    );
    expect(manifests).toContain(`image: "${image}:${version}@${digest}"`);
    expect(manifests).toContain('"uid": "ip-masq-agent"');
  });

  it('has manifests that name it too, and the sums of all', async () => {
    await runStep('The manifests, as one file');
    const manifests = await readFile(join(directory, 'assets/ip-masq-agent.yaml'), 'utf8');
    const kinds = new Set(parseManifests(manifests).map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(['ConfigMap', 'DaemonSet', 'ServiceAccount']));
    expect(manifests).toContain(`image: ${image}@${digest}`);
    const assets = await readdir(join(directory, 'assets'));
    const sums = await readFile(join(directory, 'assets/SHA256SUMS'), 'utf8');
    for (const asset of assets.filter((name) => name !== 'SHA256SUMS')) expect(sums).toContain(`  ${asset}\n`);
    expect(await readFile(join(directory, 'assets/dashboard.json'), 'utf8')).toContain('"panels"');
  });
});
