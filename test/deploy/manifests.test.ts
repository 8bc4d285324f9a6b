import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { feedTool, tool } from '../container/tool.ts';
import { checkAgainstApi } from './api-schema.ts';
import { helmPath } from './kubernetes-tools.ts';
import {
  chart,
  kustomization,
  type Manifest,
  only,
  readManifests,
  renderChart,
  renderKustomization,
  root,
} from './manifests.ts';

const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(`${root}package.json`, 'utf8')));

const fullValues = readFileSync(`${root}test/deploy/full-values.yaml`, 'utf8');

function kindsOf(manifests: readonly Manifest[]): Set<string> {
  return new Set(manifests.map(({ kind }) => kind));
}

describe('the manifests', () => {
  it('fit the API as kustomize renders them', async () => {
    const manifests = await renderKustomization();
    expect(kindsOf(manifests)).toEqual(new Set(['ConfigMap', 'DaemonSet']));
    for (const manifest of manifests) checkAgainstApi(manifest);
  });

  it.each([
    ['default', '', ['ConfigMap', 'DaemonSet']],
    ['full', fullValues, ['ConfigMap', 'DaemonSet', 'PrometheusRule', 'Service', 'ServiceMonitor']],
    ['sparing', 'configMap: { create: false }', ['DaemonSet']],
  ])('fit the API as helm renders them with %s values', async (_, values, kinds) => {
    const manifests = await renderChart(values);
    expect(kindsOf(manifests)).toEqual(new Set(kinds));
    for (const manifest of manifests) checkAgainstApi(manifest);
  });

  it('that are misspelt are found out', async () => {
    const daemonSet = only(await renderKustomization(), 'DaemonSet');
    const misspelt = JSON.stringify(daemonSet).replaceAll('"hostNetwork"', '"hostNetworks"');
    expect(() => checkAgainstApi(JSON.parse(misspelt))).toThrow('DaemonSet.spec.template.spec.hostNetworks');
    const mistyped = JSON.stringify(daemonSet).replaceAll('"hostNetwork":true', '"hostNetwork":"yes"');
    expect(() => checkAgainstApi(JSON.parse(mistyped))).toThrow('hostNetwork');
  });

  it('are the same from kustomize and from helm', async () => {
    const [fromKustomize, fromHelm] = await Promise.all([renderKustomization(), renderChart()]);
    const spec = (manifests: typeof fromHelm) => only(manifests, 'DaemonSet')['spec'];
    expect(spec(fromHelm)).toEqual(spec(fromKustomize));
    const identity = ({ metadata: { name, namespace } }: (typeof fromHelm)[number]) => ({ name, namespace });
    for (const kind of ['DaemonSet', 'ConfigMap']) {
      expect(identity(only(fromHelm, kind))).toEqual(identity(only(fromKustomize, kind)));
    }
  });

  it('name the image by the version of the package', async () => {
    expect(JSON.stringify(await renderKustomization())).toContain(`"image":"ip-masq-agent:${version}"`);
    expect(JSON.stringify(await renderChart())).toContain(`"image":"ip-masq-agent:${version}"`);
  });

  it.each(['global-router', 'vpc-cni', 'mixed'])('for TKE in %s mode fit the API', (mode) => {
    for (const manifest of readManifests(`${kustomization}/tke/${mode}.yaml`)) checkAgainstApi(manifest);
  });
});

describe('the chart', () => {
  it.each([
    ['default', ''],
    ['full', fullValues],
  ])('passes helm lint with %s values', async (_, values) => {
    const line = ['lint', '--strict', chart, '--namespace', 'kube-system', '--values', '-'];
    expect(await feedTool(values, helmPath, ...line)).toContain('0 chart(s) failed');
  });

  it.each([
    ['an unknown key', 'metric: { enabled: true }', 'metric'],
    ['a port that is none', 'health: { port: 70000 }', 'port'],
    ['a flag that other values set', 'flags: { config: /etc/other }', "'config'"],
    ['a flag with its dashes', 'flags: { --enable-ipv6: true }', '--enable-ipv6'],
  ])('rejects %s', async (_, values, named) => {
    await expect(renderChart(values)).rejects.toThrow(named);
  });

  it('names the version of the package', async () => {
    expect(await tool(helmPath, 'show', 'chart', chart)).toContain(`version: ${version}`);
  });
});
