import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { helmPath } from '../deploy/kubernetes-tools.ts';
import { chart, kustomization } from '../deploy/manifests.ts';
import { image } from '../image/build-image.ts';
import { verdictsOf } from '../image/verdicts.ts';
import { Flood } from '../kernel/harness/flood/flood.ts';
import { TestBed } from '../kernel/harness/test-bed.ts';
import { addresses } from '../kernel/harness/topology.ts';
import { AgentOnCluster, configMap } from './agent-on-cluster.ts';
import { Cluster } from './cluster.ts';
import { visitorWeb } from './visitor-web.ts';

/** Longer than anything here takes on a busy machine. */
const patient = { timeout: 120_000, interval: 500 };
const flows = ['10.9.9.9', '203.0.113.8'];
const byDefault = ['10.9.9.9: keep', '203.0.113.8: masquerade'];
const turned = ['10.9.9.9: masquerade', '203.0.113.8: keep'];
const untouched = ['10.9.9.9: keep', '203.0.113.8: keep'];
const turning = 'nonMasqueradeCIDRs: [203.0.113.0/24]\n';
const hostBits = 'nonMasqueradeCIDRs: [203.0.113.8/24]\n';

// The cases build on each other, as the days of a cluster do: installed, changed, broken, mended, removed.
describe('on a real Kubernetes node', () => {
  let bed: TestBed;
  let cluster: Cluster;
  let agent: AgentOnCluster;

  beforeAll(async () => {
    bed = await TestBed.create();
    cluster = await Cluster.start(bed);
    agent = new AgentOnCluster(cluster);
  });
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') process.stderr.write(await cluster.describe());
  });
  afterAll(async () => {
    await cluster?.stop();
    await bed?.close();
  });

  const judged = () => verdictsOf(bed, flows);
  const tables = () => bed.node.run('nft', 'list', 'tables');

  describe('the manifests', () => {
    it('roll out, and the rules are in place', async () => {
      await agent.apply(kustomization);
      await agent.rollout();
      expect(await judged()).toEqual(byDefault);
      expect(await agent.exec('status')).toContain('IN SYNC');
    });

    it('answer, before a change is applied, whether it is valid and what it would turn over', async () => {
      expect(await agent.feed(turning, 'validate', '-')).toContain('valid');
      expect(await agent.feed(configMap(turning), 'validate', '-')).toContain('valid');
      await expect(agent.feed(hostBits, 'validate', '-')).rejects.toThrow(/exit code 1.*203\.0\.113\.8/s);
      // kubectl hands on the exit code 4: something flips.
      await expect(agent.feed(configMap(turning), 'diff', '-')).rejects.toThrow(/exit code 4.*203\.0\.113\.0\/24/s);
      await expect(agent.exec('validate', '-'), 'without -i there is no standard input').rejects.toThrow('exec -i');
      expect(await judged(), 'asking changes nothing').toEqual(byDefault);
    });

    it('follow the ConfigMap, and a bad one changes nothing', async () => {
      await agent.configure(turning);
      await expect.poll(judged, patient).toEqual(turned);
      await agent.configure(hostBits);
      await expect.poll(() => agent.logs(), patient).toContain('config rejected');
      expect(await judged()).toEqual(turned);
      expect(await agent.kubectl('get', 'pod', (await agent.pod()).name)).toContain('1/1');
    });

    it('restart without a moment without rules', async () => {
      await agent.configure('nonMasqueradeCIDRs: [10.0.0.0/8]\n');
      await expect.poll(judged, patient).toEqual(byDefault);
      const before = await agent.pod();
      const flood = await Flood.start(bed, { kept: ['10.99.0.0/16'], masqueraded: ['203.0.0.0/16'], rate: 2_000 });
      await agent.restart();
      const { kept, masqueraded } = await flood.stop();
      expect((await agent.pod()).uid, 'the Pod is another').not.toBe(before.uid);
      expect([kept.wrong, masqueraded.wrong]).toEqual([0, 0]);
      expect(Math.min(kept.right, masqueraded.right)).toBeGreaterThan(100);
    });

    it('fall back to the defaults, loudly, where the ConfigMap is deleted', async () => {
      await agent.configure(turning);
      await expect.poll(judged, patient).toEqual(turned);
      await agent.deleteConfig();
      await expect.poll(judged, patient).toEqual(byDefault);
      expect(await agent.logs()).toContain('THE CONFIG WAS DELETED');
      expect(await agent.exec('status')).toContain('CONFIG DELETED');
    });

    it('clean up: the Pods become Ready, the rollout ends, no rule is left', async () => {
      await agent.apply(`${kustomization}/cleanup`);
      await agent.rollout();
      expect(await judged()).toEqual(untouched);
      expect(await tables()).not.toContain('ip-masq-agent');
      expect(await agent.logs()).toContain('the node is clean');
      await agent.delete(`${kustomization}/cleanup`);
    });
  });

  describe('the chart', () => {
    const [repository = '', tag = ''] = image.split(/:(?=[^:/]+$)/);
    const helm = (...args: string[]) =>
      cluster.run(helmPath, '--kubeconfig', cluster.kubeconfig, '--namespace', 'kube-system', ...args);
    const ours = [chart, '--set', `image.repository=${repository},image.tag=${tag}`, '--wait', '--timeout', '3m'];
    const test = () => helm('test', 'masq', '--timeout', '3m', '--logs');

    it('is installed, and has what its user wrote, in any spelling', async () => {
      await helm('install', 'masq', ...ours, '--set-json', 'config.NonMasqueradeCIDRs=["203.0.113.0/24"]');
      expect(await judged()).toEqual(turned);
    });

    it('is tested: helm test passes, until somebody edits the ConfigMap', async () => {
      expect(await test()).toContain('Nothing changes');
      await agent.configure('nonMasqueradeCIDRs: [203.0.113.0/25]\n');
      await expect(test()).rejects.toThrow('1 range is judged otherwise');
    });

    it('is upgraded, over an edit by hand only where Helm is told to', async () => {
      const upgrade = ['upgrade', 'masq', ...ours, '--set-json', 'config.nonMasqueradeCIDRs=["10.0.0.0/8"]'];
      await expect(helm(...upgrade)).rejects.toThrow(/conflict.*\.data\.config/s);
      await helm(...upgrade, '--force-conflicts');
      await agent.nudge();
      await expect.poll(judged, patient).toEqual(byDefault);
      expect(await test()).toContain('Nothing changes');
    });

    it('cleans up and is uninstalled', async () => {
      await helm('upgrade', 'masq', ...ours, '--reuse-values', '--set', 'cleanup=true');
      await agent.rollout();
      expect(await judged()).toEqual(untouched);
      expect(await tables()).not.toContain('ip-masq-agent');
      await helm('uninstall', 'masq', '--wait');
      await agent.gone();
      const left = await agent.kubectl('get', 'daemonsets,configmaps,serviceaccounts', '--output=name');
      expect(left).not.toContain('ip-masq-agent');
    });
  });

  it('leaves the NodePorts of kube-proxy alone', async () => {
    await agent.apply(kustomization);
    await agent.rollout();
    await cluster.feedKubectl(visitorWeb, 'apply', '-f', '-');
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/visitors', '--timeout=90s');
    const script = 'fetch(process.argv[1]).then((answer) => answer.text()).then((text) => process.stdout.write(text))';
    const visit = (port: number) =>
      bed.world
        .run(process.execPath, '--eval', script, `http://${addresses.ipv4.node}:${port}/cgi-bin/visitor`)
        .catch(String);
    // kube-proxy masquerades by itself, unless the Service wants its Pods to see who comes.
    await expect.poll(() => visit(30080), patient).toBe('visitor 10.250.0.1');
    await expect.poll(() => visit(30081), patient).toBe(`visitor ${addresses.ipv4.world}`);
    expect(await judged()).toEqual(byDefault);
  });
});
