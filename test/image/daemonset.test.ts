import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kustomization, type Manifest, only, renderChart, renderKustomization } from '../deploy/manifests.ts';
import { TestBed } from '../kernel/harness/test-bed.ts';
import { addresses } from '../kernel/harness/topology.ts';
import { Pod } from './pod.ts';
import { podSpecOf } from './pod-spec.ts';
import { verdictsOf } from './verdicts.ts';

/** Longer than anything here takes on a busy machine. */
const patient = { timeout: 30_000, interval: 250 };

const hosts: readonly (readonly [backend: string, render: () => Promise<Manifest[]>])[] = [
  ['nft', renderKustomization],
  ['iptables-nft', () => renderChart('flags: { backend: iptables-nft }')],
  ['iptables-legacy', () => renderChart('flags: { backend: iptables-legacy }')],
];

describe.each(hosts)('the DaemonSet on a host with %s', (backend, render) => {
  let bed: TestBed;
  let pod: Pod | undefined;
  const flows = ['10.9.9.9', '172.16.0.1', '203.0.113.8', '169.254.169.254'];

  const start = async (configMaps = {}) => {
    pod = await Pod.start(bed, podSpecOf(only(await render(), 'DaemonSet')), configMaps);
    await expect.poll(() => pod?.ask('readinessProbe').catch(String), patient).toMatchObject({ status: 200 });
    return pod;
  };

  beforeEach(async () => {
    bed = await TestBed.create();
  });
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') process.stderr.write((await pod?.logs()) ?? '');
    await pod?.remove();
    await bed.close();
  });

  it('follows the ConfigMap, answers probes, and ends within a second with its rules kept', async () => {
    const running = await start();
    const byDefault = ['10.9.9.9: keep', '172.16.0.1: keep', '203.0.113.8: masquerade', '169.254.169.254: keep'];
    expect(await verdictsOf(bed, flows)).toEqual(byDefault);
    expect(await running.ask('startupProbe')).toMatchObject({ status: 200 });
    expect(await running.ask('livenessProbe')).toMatchObject({ status: 200 });

    await running.setConfigMaps({
      'ip-masq-agent-config': { config: 'nonMasqueradeCIDRs: [203.0.113.0/24]\nmasqLinkLocal: true\n' },
    });
    const changed = [
      '10.9.9.9: masquerade',
      '172.16.0.1: masquerade',
      '203.0.113.8: keep',
      '169.254.169.254: masquerade',
    ];
    await expect.poll(() => verdictsOf(bed, flows), patient).toEqual(changed);

    await running.setConfigMaps({ 'ip-masq-agent-config': { config: 'nonMasqueradeCIDRs: [203.0.113.8]\n' } });
    await expect.poll(() => running.logs(), patient).toContain('203.0.113.8');
    expect(await verdictsOf(bed, flows), 'a bad config changes nothing').toEqual(changed);
    expect(await running.ask('readinessProbe')).toMatchObject({ status: 200 });

    await running.setConfigMaps({});
    await expect.poll(() => verdictsOf(bed, flows), patient).toEqual(byDefault);

    const { exitCode, milliseconds } = await running.stop();
    expect(exitCode).toBe(0);
    expect(milliseconds).toBeLessThan(1_000);
    expect(await verdictsOf(bed, flows), 'the rules stay').toEqual(byDefault);
  });

  it('holds NET_ADMIN and NET_RAW alone, and files it can not change', async () => {
    const running = await start();
    // CAP_NET_ADMIN is 12, CAP_NET_RAW 13 (capability.h).
    const capabilities = ((1n << 12n) | (1n << 13n)).toString(16).padStart(16, '0');
    expect(await running.processStatus('CapEff')).toBe(capabilities);
    expect(await running.processStatus('CapBnd')).toBe(capabilities);
    expect(await running.processStatus('NoNewPrivs')).toBe('1');
    expect(await running.processStatus('Seccomp'), 'filtered').toBe('2');
    expect(await running.mountOptions('/')).toContain('ro');
    expect(await running.mountOptions('/etc/config')).toContain('ro');
  });

  it('has memory enough for a ConfigMap as large as they get', async () => {
    const networks = Array.from({ length: 50_000 }, (_, index) => `- 20.${index >> 8}.${index & 255}.0/25`);
    const config = `cidrLimit: 100000\nnonMasqueradeCIDRs:\n${networks.join('\n')}\n`;
    const running = await start({ 'ip-masq-agent-config': { config } });
    expect(await verdictsOf(bed, ['20.195.79.5', '20.195.79.200'])).toEqual([
      '20.195.79.5: keep',
      '20.195.79.200: masquerade',
    ]);
    expect(await running.isOutOfMemory()).toBe(false);
  });

  it('can read the connection table with what it holds', async () => {
    const running = await start();
    expect(await running.execute('conntrack', '--count')).toMatch(/^\d+$/m);
    await running.execute('conntrack', '--dump', '--family', 'ipv4', '--output', 'extended,id');
  });

  it('answers what it did and why', async () => {
    const running = await start({ 'ip-masq-agent-config': { config: 'nonMasqueradeCIDRs:\n- 10.0.0.0/8\n' } });
    const question = ['--src', '10.244.7.2', '--dst', '10.9.9.9'];
    expect(await running.execute('ip-masq-agent', 'explain', ...question)).toContain('/etc/config/ip-masq-agent:2');
    expect(await running.execute('ip-masq-agent', 'status')).toContain(backend);
  });
});

describe('the DaemonSet that cleans', () => {
  const cleaning = `${kustomization}/cleanup`;

  it.each([
    ['kustomize', () => renderKustomization(cleaning)],
    ['helm', () => renderChart('cleanup: true')],
  ])('by %s is Ready once its node is clean, and stays until it is told to end', async (_, render) => {
    const bed = await TestBed.create();
    const flows = ['10.9.9.9', '203.0.113.8'];
    const agent = await Pod.start(bed, podSpecOf(only(await renderKustomization(), 'DaemonSet')));
    let cleaner: Pod | undefined;
    try {
      await expect.poll(() => verdictsOf(bed, flows), patient).toEqual(['10.9.9.9: keep', '203.0.113.8: masquerade']);
      await agent.stop();
      cleaner = await Pod.start(bed, podSpecOf(only(await render(), 'DaemonSet')));
      const running = cleaner;
      await expect.poll(() => running.ask('readinessProbe').catch(String), patient).toMatchObject({ status: 200 });
      expect(await verdictsOf(bed, flows)).toEqual(['10.9.9.9: keep', '203.0.113.8: keep']);
      expect(await running.ask('startupProbe')).toMatchObject({ status: 200 });
      expect(await running.ask('livenessProbe')).toMatchObject({ status: 200 });
      const { exitCode, milliseconds } = await running.stop();
      expect(exitCode).toBe(0);
      expect(milliseconds).toBeLessThan(1_000);
    } finally {
      await cleaner?.remove();
      await agent.remove();
      await bed.close();
    }
  });
});

describe('the DaemonSet with metrics', () => {
  it('serves them on the address of the node', async () => {
    const bed = await TestBed.create();
    const spec = podSpecOf(only(await renderChart('metrics: { enabled: true }'), 'DaemonSet'));
    const pod = await Pod.start(bed, spec);
    try {
      const url = `http://${addresses.ipv4.node}:10279/metrics`;
      const body = () => pod.get(url).then(({ body }) => body, String);
      await expect.poll(body, patient).toContain('ip_masq_agent_build_info');
    } finally {
      await pod.remove();
      await bed.close();
    }
  });
});
