import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse, parseDocument } from 'yaml';
import * as z from 'zod';
import { chartReadme, chartReadmeFile, chartValues } from '../../scripts/chart-readme.ts';
import { systemRunner } from '../../src/system/run.ts';
import { feedTool, tool } from '../container/tool.ts';
import { checkAgainstApi } from './api-schema.ts';
import { helmPath } from './kubernetes-tools.ts';
import { chart, installed, type Manifest, only, renderChart, root } from './manifests.ts';

const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(`${root}package.json`, 'utf8')));
const fullValues = readFileSync(`${root}test/deploy/full-values.yaml`, 'utf8');

const configMapSchema = z.object({ data: z.record(z.string(), z.string()) });

/** What the agents get to read. */
async function configOf(given: string): Promise<string | undefined> {
  const manifest = only(installed(await renderChart(given)), 'ConfigMap', 'ip-masq-agent-config');
  return configMapSchema.parse(manifest).data['config'];
}

async function daemonSet(given: string): Promise<string> {
  return JSON.stringify(only(await renderChart(given), 'DaemonSet'));
}

/** What full-values.yaml can't set without making others idle. */
const otherwise: Readonly<Record<string, boolean>> = {
  cleanup: true,
  'configMap.create': false,
  'serviceAccount.create': false,
};

describe('the chart', () => {
  it.each([
    ['default', ''],
    ['full', fullValues],
  ])('passes helm lint with %s values, without a word', async (_, given) => {
    const args = ['lint', '--strict', '--quiet', chart, '--namespace', 'kube-system', '--values', '-'];
    const { exitCode, stdout, stderr } = await systemRunner.run({ tool: helmPath, args, input: given });
    expect({ exitCode, words: (stdout + stderr).trim() }).toEqual({ exitCode: 0, words: '' });
    expect(await feedTool(given, helmPath, ...args.filter((arg) => arg !== '--quiet'))).not.toContain('[');
  });

  it.each([
    ['default', '', ['ConfigMap', 'DaemonSet', 'ServiceAccount']],
    [
      'full',
      fullValues,
      ['ConfigMap', 'DaemonSet', 'PodMonitor', 'PrometheusRule', 'Service', 'ServiceAccount', 'ServiceMonitor'],
    ],
    ['sparing', 'configMap: { create: false }\nserviceAccount: { create: false }', ['DaemonSet']],
  ])('fits the API with %s values', async (_, given, kinds) => {
    const manifests = await renderChart(given);
    expect([...new Set(installed(manifests).map(({ kind }) => kind))].sort()).toEqual(kinds);
    for (const manifest of manifests) checkAgainstApi(manifest);
  });

  it.each(chartValues().map(({ key }) => key))('does something with %s', async (key) => {
    const path = key.split('.');
    const document = parseDocument(fullValues);
    document.deleteIn(path);
    const without = JSON.stringify(await renderChart(document.toString()));
    const given = otherwise[key] ?? parseDocument(fullValues).getIn(path);
    expect(given, 'full-values.yaml sets it').toBeDefined();
    document.setIn(path, given);
    expect(JSON.stringify(await renderChart(document.toString()))).not.toEqual(without);
  });

  it.each([
    ['an unknown key', 'metric: { enabled: true }', 'metric'],
    ['a port that is none', 'health: { port: 70000 }', 'port'],
    ['a flag that other values set', 'flags: { config: /etc/other }', "'config'"],
    ['cleaning up by a flag, which would end in a crash loop', 'flags: { cleanup: true }', "'cleanup'"],
    ['a flag with its dashes', 'flags: { --enable-ipv6: true }', '--enable-ipv6'],
    ['a digest that is none', 'image: { digest: latest }', 'digest'],
    ['a label that selects Pods', 'commonLabels: { k8s-app: other }', 'k8s-app'],
    [
      'two spellings of one key',
      'config: { NonMasqueradeCIDRs: [10.0.0.0/8], nonMasqueradeCIDRs: [] }',
      'NonMasqueradeCIDRs and nonMasqueradeCIDRs are two spellings of one key',
    ],
  ])('rejects %s', async (_, given, named) => {
    await expect(renderChart(given)).rejects.toThrow(named);
  });

  it.each([
    ['NonMasqueradeCIDRs: [203.0.113.0/24]'],
    ['nonmasqueradecidrs: []'],
    ['nonMasqueradeCIDRs: null'],
    ['{ MasqLinkLocal: true, ResyncInterval: 1m0s, NonMasqueradeSrcCIDRs: [10.0.0.0/12] }'],
    ['cidrLimit: 1000000'],
    ['NonMasqueradeCIDRz: [10.0.0.0/8]'],
  ])('hands on what its user wrote, and nothing else: %s', async (config) => {
    const written = await configOf(`config: ${config.startsWith('{') ? config : `{ ${config} }`}`);
    expect(parse(written ?? '')).toEqual(parse(config));
  });

  it('leaves the defaults to the agent', async () => {
    expect(parse((await configOf('')) ?? '')).toBeNull();
    expect(parse((await configOf('config: {}')) ?? '')).toBeNull();
  });

  it('passes numbers on as they were written', async () => {
    expect(await daemonSet('flags: { resync-interval: 1000000, v: 2 }')).toContain(
      '"--resync-interval=1000000","--v=2"',
    );
  });

  it('pulls by tag, by digest, and when it is told to', async () => {
    const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
    expect(await daemonSet(`image: { digest: '${digest}' }`)).toContain(`"image":"ip-masq-agent:${version}@${digest}"`);
    expect(await daemonSet('image: { tag: latest }')).toContain(
      '"image":"ip-masq-agent:latest","imagePullPolicy":"IfNotPresent"',
    );
    expect(await daemonSet('image: { pullPolicy: Always }')).toContain('"imagePullPolicy":"Always"');
  });

  it('replaces Pods as it is told', async () => {
    expect(await daemonSet('updateStrategy: { type: OnDelete }')).toContain('"updateStrategy":{"type":"OnDelete"}');
    const strategy = 'updateStrategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }';
    expect(await daemonSet(strategy)).toContain('"rollingUpdate":{"maxSurge":1,"maxUnavailable":0}');
  });

  it('has no token, and an account of its own', async () => {
    const manifests = await renderChart();
    expect(only(manifests, 'ServiceAccount')).toMatchObject({ automountServiceAccountToken: false });
    for (const kind of ['DaemonSet', 'Pod']) {
      expect(JSON.stringify(only(manifests, kind))).toContain(
        '"serviceAccountName":"ip-masq-agent","automountServiceAccountToken":false',
      );
    }
  });

  it('serves one node pool with a second release, and shares nothing with the first', async () => {
    const names = (manifests: readonly Manifest[]) => manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    const metrics = 'metrics: { enabled: true, podMonitor: { enabled: true }, serviceMonitor: { enabled: true } }';
    const first = await renderChart(`excludeNodes: { pool: canary }\n${metrics}`);
    const second = await renderChart(
      `nameOverride: ip-masq-agent-canary\nnodeSelector: { pool: canary }\nconfigMap: { name: canary-config }\n${metrics}`,
    );
    expect(names(first).filter((name) => names(second).includes(name))).toEqual([]);
    const selector = (manifests: readonly Manifest[]) =>
      z
        .object({ spec: z.object({ selector: z.object({ matchLabels: z.record(z.string(), z.string()) }) }) })
        .parse(only(manifests, 'DaemonSet')).spec.selector.matchLabels;
    expect(selector(first)).toEqual({ 'k8s-app': 'ip-masq-agent' });
    expect(selector(second)).toEqual({ 'k8s-app': 'ip-masq-agent-canary' });
    const text = (manifests: readonly Manifest[]) => JSON.stringify(only(manifests, 'DaemonSet'));
    expect(text(first)).toContain('{"key":"pool","operator":"NotIn","values":["canary"]}');
    expect(text(second)).toContain('"nodeSelector":{"pool":"canary"}');
    expect(text(second)).toContain('"name":"canary-config"');
    expect(text(second)).toContain('"key":"kubernetes.io/os"');
  });

  it('tests the config as it is mounted against its values', async () => {
    const manifests = await renderChart('config: { masqLinkLocal: true }\nflags: { enable-ipv6: true }');
    const pod = JSON.stringify(only(manifests, 'Pod', 'ip-masq-agent-test'));
    expect(pod).toContain('"args":["validate","--config=/etc/config","--enable-ipv6=true"]');
    expect(pod).toContain('"args":["diff","/etc/expected","--config=/etc/config","--enable-ipv6=true"]');
    expect(only(manifests, 'ConfigMap', 'ip-masq-agent-test')).toMatchObject({
      data: { config: 'masqLinkLocal: true\n' },
    });
    // Where the ConfigMap is somebody else's there are no values to hold it against.
    const foreign = JSON.stringify(only(await renderChart('configMap: { create: false }'), 'Pod'));
    expect(foreign).toContain('"validate"');
    expect(foreign).not.toContain('"diff"');
  });

  it('says in its notes what a namespace must admit, and what to do where the ConfigMap exists or was edited', async () => {
    const notes = async (...sets: string[]) => {
      const line = ['install', 'ip-masq-agent', chart, '--dry-run=client', '--namespace', 'network', ...sets];
      const output = await tool(helmPath, ...line);
      return output.slice(output.indexOf('NOTES:'));
    };
    const usual = await notes();
    expect(usual).toContain('pod-security.kubernetes.io/enforce=privileged');
    expect(usual).toMatch(/annotate pods --selector k8s-app=ip-masq-agent .* --overwrite/);
    expect(usual).toContain('--set cleanup=true');
    expect(usual, 'after an edit by hand').toContain('--force-conflicts');
    expect(await notes('--set', 'configMap.create=false')).toContain('cannot be imported');
    expect(await notes('--set', 'cleanup=true')).toContain('rollout status daemonset/ip-masq-agent');
  });

  it('names the version of the package', async () => {
    const shown = await tool(helmPath, 'show', 'chart', chart);
    expect(shown).toContain(`\nversion: ${version}`);
    expect(shown).toContain(`appVersion: ${version}`);
    expect(shown).toContain(`image: ghcr.io/ip-masq-agent/ip-masq-agent:${version}`);
  });

  it('has metadata that Artifact Hub reads', async () => {
    const { annotations } = z
      .object({ annotations: z.record(z.string(), z.string()) })
      .parse(parse(await tool(helmPath, 'show', 'chart', chart)));
    const entries = z.array(z.looseObject({}));
    for (const name of ['images', 'links', 'changes'])
      entries.parse(parse(annotations[`artifacthub.io/${name}`] ?? ''));
    expect(annotations).toMatchObject({
      'artifacthub.io/license': 'Apache-2.0',
      'artifacthub.io/category': 'networking',
    });
  });

  it('has a README that is made from the comments of its values', () => {
    expect(readFileSync(chartReadmeFile, 'utf8'), 'run `node scripts/chart-readme.ts`').toBe(chartReadme());
  });
});
