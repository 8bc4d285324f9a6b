import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { checkAgainstApi } from './api-schema.ts';
import {
  installed,
  kustomization,
  type Manifest,
  only,
  readManifests,
  renderChart,
  renderKustomization,
  root,
} from './manifests.ts';

const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(`${root}package.json`, 'utf8')));

const cleaning = `${kustomization}/cleanup`;

function kindsOf(manifests: readonly Manifest[]): string[] {
  return [...new Set(manifests.map(({ kind }) => kind))].sort();
}

describe('the manifests', () => {
  it.each([
    [kustomization, ['ConfigMap', 'DaemonSet', 'ServiceAccount']],
    [cleaning, ['DaemonSet', 'ServiceAccount']],
  ])('fit the API as kustomize renders %s', async (directory, kinds) => {
    const manifests = await renderKustomization(directory);
    expect(kindsOf(manifests)).toEqual(kinds);
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
    const [fromKustomize, fromHelm] = await Promise.all([renderKustomization(), renderChart().then(installed)]);
    const spec = (manifests: typeof fromHelm) => only(manifests, 'DaemonSet')['spec'];
    expect(spec(fromHelm)).toEqual(spec(fromKustomize));
    const identity = ({ metadata: { name, namespace } }: (typeof fromHelm)[number]) => ({ name, namespace });
    for (const kind of ['DaemonSet', 'ConfigMap', 'ServiceAccount']) {
      expect(identity(only(fromHelm, kind))).toEqual(identity(only(fromKustomize, kind)));
    }
  });

  it('that clean are those of the agent with other arguments, and read no config', async () => {
    const render = async (directory: string) => JSON.stringify(only(await renderKustomization(directory), 'DaemonSet'));
    const agent: Manifest = JSON.parse(await render(kustomization), (_, value: unknown) =>
      Array.isArray(value) ? value.filter((member: unknown) => !isConfigVolume(member)) : value,
    );
    const address = '"--healthz-bind-address=127.0.0.1:10278"';
    const asCleaner = JSON.stringify(agent).replace(address, `"cleanup","--stay",${address}`);
    expect(JSON.parse(await render(cleaning))).toEqual(JSON.parse(asCleaner));
  });

  it('clean by the chart too, and watch nothing meanwhile', async () => {
    const args = '["cleanup","--stay","--healthz-bind-address=127.0.0.1:10278","--masq-chain=IP-MASQ"]';
    const monitored =
      'serviceMonitor: { enabled: true }, podMonitor: { enabled: true }, prometheusRule: { enabled: true }';
    const values = `{ cleanup: true, flags: { masq-chain: IP-MASQ }, metrics: { enabled: true, ${monitored} } }`;
    const manifests = installed(await renderChart(values));
    expect(JSON.stringify(only(manifests, 'DaemonSet'))).toContain(`"args":${args}`);
    expect(kindsOf(manifests)).toEqual(['ConfigMap', 'DaemonSet', 'ServiceAccount']);
  });

  it('name the image by the version of the package', async () => {
    for (const manifests of [renderKustomization(), renderKustomization(cleaning), renderChart()]) {
      expect(JSON.stringify(await manifests)).toContain(`"image":"ip-masq-agent:${version}"`);
    }
  });

  it.each(['global-router', 'vpc-cni', 'mixed'])('for TKE in %s mode fit the API', (mode) => {
    for (const manifest of readManifests(`${kustomization}/tke/${mode}.yaml`)) checkAgainstApi(manifest);
  });

  it('have a namespace of their own that admits them', () => {
    const namespace = only(readManifests(`${kustomization}/namespace.yaml`), 'Namespace');
    checkAgainstApi(namespace);
    expect(namespace.metadata.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'privileged' });
  });
});

function isConfigVolume(member: unknown): boolean {
  return typeof member === 'object' && member !== null && 'name' in member && member.name === 'config';
}
