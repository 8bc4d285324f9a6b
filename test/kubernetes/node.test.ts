import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { helmPath } from '../deploy/kubernetes-tools.ts';
import { chart, kustomization } from '../deploy/manifests.ts';
import { image } from '../image/build-image.ts';
import { verdictsOf } from '../image/verdicts.ts';
import { Flood } from '../kernel/harness/flood/flood.ts';
import { TestBed } from '../kernel/harness/test-bed.ts';
import { addresses } from '../kernel/harness/topology.ts';
import { Cluster } from './cluster.ts';
import { pauseImage, program } from './programs.ts';

const namespace = ['--namespace', 'kube-system'];
const daemonSet = 'daemonset/ip-masq-agent';
/** Longer than anything here takes on a busy machine. */
const patient = { timeout: 90_000, interval: 500 };
const flows = ['10.9.9.9', '203.0.113.8'];
const byDefault = ['10.9.9.9: keep', '203.0.113.8: masquerade'];
const turned = ['10.9.9.9: masquerade', '203.0.113.8: keep'];

function configMap(config: string): string {
  const data = { config };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'ip-masq-agent-config', namespace: 'kube-system' },
    data,
  });
}

describe('on a real Kubernetes node', () => {
  let bed: TestBed;
  let cluster: Cluster;

  beforeAll(async () => {
    bed = await TestBed.create();
    cluster = await Cluster.start(bed);
  });
  afterAll(async () => {
    await cluster?.stop();
    await bed?.close();
  });

  /** Applies a kustomization with the image under test in place of its own. */
  async function applyKustomization(directory: string): Promise<void> {
    const manifests = await bed.node.run(program('kubectl'), 'kustomize', directory);
    await cluster.feedKubectl(manifests.replaceAll(/image: ip-masq-agent:\S+/g, `image: ${image}`), 'apply', '-f', '-');
  }

  const rollout = () => cluster.kubectl(...namespace, 'rollout', 'status', daemonSet, '--timeout=120s');
  const agentPod = async () => {
    const names = await cluster.kubectl(...namespace, 'get', 'pods', '-l', 'k8s-app=ip-masq-agent', '-o', 'name');
    return names.trim().split('\n')[0] ?? '';
  };

  /** Writes the ConfigMap; an annotation makes the kubelet write the file at once. */
  async function changeConfig(config: string): Promise<void> {
    await cluster.feedKubectl(configMap(config), 'apply', '-f', '-');
    await nudge();
  }

  async function nudge(): Promise<void> {
    await cluster.kubectl(...namespace, 'annotate', '--overwrite', await agentPod(), `nudge=${Date.now()}`);
  }

  describe('the manifests', () => {
    it('roll out, and the rules are in place', async () => {
      await applyKustomization(kustomization);
      await rollout();
      expect(await verdictsOf(bed, flows)).toEqual(byDefault);
    });

    it('answer, before a change is applied, whether it is valid and what it would turn over', async () => {
      const exec = [...namespace, 'exec', '-i', await agentPod(), '--', 'ip-masq-agent'];
      const changed = configMap('nonMasqueradeCIDRs: [203.0.113.0/24]\n');
      expect(await cluster.feedKubectl(changed, ...exec, 'validate', '-')).toContain('valid');
      await expect(
        cluster.feedKubectl(configMap('nonMasqueradeCIDRs: [203.0.113.8]\n'), ...exec, 'validate', '-'),
      ).rejects.toThrow('203.0.113.8');
      // kubectl hands on the exit code 4: something flips.
      await expect(cluster.feedKubectl(changed, ...exec, 'diff', '-')).rejects.toThrow(/exit code 4/);
      await expect(
        cluster.kubectl(...namespace, 'exec', await agentPod(), '--', 'ip-masq-agent', 'validate', '-'),
      ).rejects.toThrow('exec -i');
    });

    it('follow the ConfigMap, and a bad one changes nothing', async () => {
      await changeConfig('nonMasqueradeCIDRs: [203.0.113.0/24]\n');
      await expect.poll(() => verdictsOf(bed, flows), patient).toEqual(turned);
      await changeConfig('nonMasqueradeCIDRs: [203.0.113.8]\n');
      await expect
        .poll(async () => cluster.kubectl(...namespace, 'logs', await agentPod()), patient)
        .toContain('config rejected');
      expect(await verdictsOf(bed, flows)).toEqual(turned);
      expect(await cluster.kubectl(...namespace, 'get', await agentPod())).toContain('1/1');
    });

    it('restart without a moment without rules', async () => {
      await changeConfig('nonMasqueradeCIDRs: [10.0.0.0/8]\n');
      await expect.poll(() => verdictsOf(bed, flows), patient).toEqual(byDefault);
      const flood = await Flood.start(bed, { kept: ['10.99.0.0/16'], masqueraded: ['203.0.0.0/16'], rate: 2_000 });
      await cluster.kubectl(...namespace, 'rollout', 'restart', daemonSet);
      await rollout();
      const { kept, masqueraded } = await flood.stop();
      expect([kept.wrong, masqueraded.wrong]).toEqual([0, 0]);
      expect(masqueraded.right).toBeGreaterThan(0);
    });

    it('fall back to the defaults, loudly, where the ConfigMap is deleted', async () => {
      await changeConfig('nonMasqueradeCIDRs: [203.0.113.0/24]\n');
      await expect.poll(() => verdictsOf(bed, flows), patient).toEqual(turned);
      await cluster.kubectl(...namespace, 'delete', 'configmap', 'ip-masq-agent-config');
      await nudge();
      await expect.poll(() => verdictsOf(bed, flows), patient).toEqual(byDefault);
    });

    it('clean up: the Pods become Ready, the rollout ends, no rule is left', async () => {
      await applyKustomization(`${kustomization}/cleanup`);
      await rollout();
      expect(await verdictsOf(bed, flows)).toEqual(['10.9.9.9: keep', '203.0.113.8: keep']);
      expect(await bed.node.run('nft', 'list', 'tables')).not.toContain('ip-masq-agent');
      await cluster.kubectl('delete', ...namespace, daemonSet, '--wait');
    });
  });

  describe('the chart', () => {
    const helm = (...args: string[]) =>
      bed.node.run(helmPath, '--kubeconfig', cluster.kubeconfig, ...namespace, ...args);
    const [repository = '', tag = ''] = image.split(/:(?=[^:/]+$)/);
    const values = ['--set', `image.repository=${repository},image.tag=${tag}`];
    const wait = ['--wait', '--timeout', '3m'];

    it('is installed, tested, upgraded and uninstalled', async () => {
      await helm(
        'install',
        'masq',
        chart,
        ...values,
        ...wait,
        '--set-json',
        'config.NonMasqueradeCIDRs=["203.0.113.0/24"]',
      );
      expect(await verdictsOf(bed, flows), 'what its user wrote, in any spelling').toEqual(turned);
      expect(await helm('test', 'masq', '--timeout', '3m')).toMatch(/Phase:\s+Succeeded/);
      await helm(
        'upgrade',
        'masq',
        chart,
        ...values,
        ...wait,
        '--set-json',
        'config.nonMasqueradeCIDRs=["10.0.0.0/8"]',
      );
      await nudge();
      await expect.poll(() => verdictsOf(bed, flows), patient).toEqual(byDefault);
      await helm('upgrade', 'masq', chart, ...values, ...wait, '--set', 'cleanup=true');
      await rollout();
      expect(await bed.node.run('nft', 'list', 'tables')).not.toContain('ip-masq-agent');
      await helm('uninstall', 'masq', '--wait');
      expect(await cluster.kubectl(...namespace, 'get', 'daemonsets')).not.toContain('ip-masq-agent');
    });
  });

  it('leaves the NodePorts of kube-proxy alone', async () => {
    await applyKustomization(kustomization);
    await rollout();
    await cluster.feedKubectl(webServer, 'apply', '-f', '-');
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/web', '--timeout=90s');
    const url = `http://${addresses.ipv4.node}:30080/`;
    const fetch = () => bed.world.run('busybox', 'wget', '-q', '-T', '5', '-O', '-', url);
    await expect.poll(() => fetch().catch(String), patient).toContain('web of the test');
  });
});

const webServer = JSON.stringify({
  apiVersion: 'v1',
  kind: 'List',
  items: [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', labels: { app: 'web' } },
      spec: {
        automountServiceAccountToken: false,
        containers: [
          {
            name: 'web',
            image: pauseImage,
            imagePullPolicy: 'Never',
            command: [
              '/bin/busybox',
              'sh',
              '-c',
              'echo web of the test >/index.html; exec /bin/busybox httpd -f -p 8080 -h /',
            ],
          },
        ],
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: { type: 'NodePort', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }] },
    },
  ],
});
