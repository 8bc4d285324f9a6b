import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { only, readManifests, renderChart, renderKustomization } from '../deploy/manifests.ts';
import { TestBed } from '../kernel/harness/test-bed.ts';
import { addresses } from '../kernel/harness/topology.ts';
import { Pod } from './pod.ts';
import { type PodSpec, podSpecOf } from './pod-spec.ts';
import { verdictsOf } from './verdicts.ts';
import type { ConfigMaps } from './volumes.ts';

/** Longer than anything here takes on a busy machine. */
const patient = { timeout: 30_000, interval: 250 };

let bed: TestBed;
let pod: Pod | undefined;

async function start(spec: PodSpec, configMaps: ConfigMaps): Promise<Pod> {
  pod = await Pod.start(bed, spec, configMaps);
  return pod;
}

beforeEach(async () => {
  bed = await TestBed.create();
});
afterEach(async (context) => {
  if (context.task.result?.state === 'fail') process.stderr.write((await pod?.logs()) ?? '');
  await pod?.remove();
  pod = undefined;
  await bed.close();
});

describe('on TKE', () => {
  it('follows the ConfigMap as the cloud rewrites it, and a second one that comes, changes and goes', async () => {
    const name = 'ip-masq-agent-config';
    const flows = ['10.9.9.9', '192.168.7.7', '203.0.113.8', '10.20.0.5 → 203.0.113.8', '10.21.0.5 → 203.0.113.8'];
    const expectVerdicts = async (...verdicts: string[]) => {
      const expected = flows.map((flow, index) => `${flow}: ${verdicts[index]}`);
      await expect.poll(() => verdictsOf(bed, flows), patient).toEqual(expected);
    };
    const onConsole = `{"NonMasqueradeCIDRs":["10.0.0.0/8"],"MasqLinkLocal":true,"MasqLinkLocalIPv6":false,"ResyncInterval":"1m0s"}`;
    const running = await start(podSpecOf(only(await renderKustomization(), 'DaemonSet')), {
      [name]: { config: onConsole },
    });
    await expectVerdicts('keep', 'masquerade', 'masquerade', 'masquerade', 'masquerade');

    // Subnets are added: the same keys, spelt otherwise.
    const rewritten = `nonMasqueradeCIDRs:\n- 10.0.0.0/8\n- 192.168.0.0/16\nnonMasqueradeSrcCIDRs:\n- 10.20.0.0/16\nmasqLinkLocal: true\nmasqLinkLocalIPv6: false\nresyncInterval: 1m0s\n`;
    await running.setConfigMaps({ [name]: { config: rewritten } });
    await expectVerdicts('keep', 'keep', 'masquerade', 'keep', 'masquerade');

    // A controller has a ConfigMap of its own.
    const reconciled = 'ip-masq-agent-config-reconciled';
    const first = { config: '{"NonMasqueradeSrcCIDRs":["10.21.0.0/16"]}' };
    await running.setConfigMaps({ [name]: { config: rewritten }, [reconciled]: first });
    await expectVerdicts('keep', 'keep', 'masquerade', 'keep', 'keep');

    const second = { config: 'nonMasqueradeCIDRs: [203.0.113.0/24]\n' };
    await running.setConfigMaps({ [name]: { config: rewritten }, [reconciled]: second });
    await expectVerdicts('keep', 'keep', 'keep', 'keep', 'keep');

    await running.setConfigMaps({ [name]: { config: rewritten } });
    await expectVerdicts('keep', 'keep', 'masquerade', 'keep', 'masquerade');

    await running.setConfigMaps({ [name]: { config: onConsole } });
    await expectVerdicts('keep', 'masquerade', 'masquerade', 'masquerade', 'masquerade');
  });
});

describe("upstream's own DaemonSet with only the image name changed", () => {
  const spec = podSpecOf(
    only(readManifests(fileURLToPath(new URL('upstream-daemonset.yaml', import.meta.url))), 'DaemonSet'),
  );
  const flows = ['10.9.9.9', '100.64.3.3', '203.0.113.8', '8.8.8.8'];

  it('works', async () => {
    const running = await start(spec, { 'ip-masq-agent': { config: 'nonMasqueradeCIDRs:\n  - 203.0.113.0/24\n' } });
    const verdicts = () => verdictsOf(bed, flows);
    await expect
      .poll(verdicts, patient)
      .toEqual(['10.9.9.9: masquerade', '100.64.3.3: masquerade', '203.0.113.8: keep', '8.8.8.8: masquerade']);
    await running.setConfigMaps({});
    await expect
      .poll(verdicts, patient)
      .toEqual(['10.9.9.9: keep', '100.64.3.3: masquerade', '203.0.113.8: masquerade', '8.8.8.8: masquerade']);
  });

  it('works with the flags that GKE gives it', async () => {
    const [container] = spec.containers;
    const args = ['--masq-chain=IP-MASQ', '--nomasq-all-reserved-ranges', '--v=2', '--logtostderr=false'];
    await start({ ...spec, containers: [{ ...container, args }] }, {});
    await expect
      .poll(() => verdictsOf(bed, flows), patient)
      .toEqual(['10.9.9.9: keep', '100.64.3.3: keep', '203.0.113.8: keep', '8.8.8.8: masquerade']);
  });
});

describe("Baidu's own DaemonSet with only the image name changed", () => {
  const manifests = readManifests(fileURLToPath(new URL('baidu-daemonset.yaml', import.meta.url)));
  const shipped = z.object({ data: z.record(z.string(), z.string()) }).parse(only(manifests, 'ConfigMap'));

  it('works, with IPv6 on as that program has it', async () => {
    await start(podSpecOf(only(manifests, 'DaemonSet')), { 'cce-ip-masq-agent': shipped.data });
    const flows = [
      '10.9.9.9',
      '100.64.230.7',
      '100.64.3.3',
      '8.8.8.8',
      `${addresses.ipv6.pod} → fd12::7`,
      `${addresses.ipv6.pod} → 2001:db8:9::7`,
    ];
    const verdicts = ['keep', 'keep', 'masquerade', 'masquerade', 'keep', 'masquerade'];
    await expect
      .poll(() => verdictsOf(bed, flows), patient)
      .toEqual(flows.map((flow, index) => `${flow}: ${verdicts[index]}`));
  });
});

describe('the lock of iptables', () => {
  it('is that of the node: the agent waits for it and gives up when it is told to stop', async () => {
    const lock = join(bed.directory, 'xtables.lock');
    const holder = spawn('flock', ['--no-fork', lock, 'sh', '-c', 'echo held; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(holder.stdout, 'data');
      const manifests = await renderChart('flags: { backend: iptables-legacy, log-level: debug }');
      const running = await start(podSpecOf(only(manifests, 'DaemonSet')), {});
      await expect.poll(() => running.logs(), patient).toMatch(/xtables.lock|Another app/);
      expect(await running.ask('readinessProbe')).toMatchObject({ status: 503 });
      expect(await verdictsOf(bed, ['8.8.8.8'])).toEqual(['8.8.8.8: keep']);
      const { exitCode, milliseconds } = await running.stop();
      expect(exitCode).toBe(0);
      expect(milliseconds).toBeLessThan(1_000);
    } finally {
      holder.kill('SIGKILL');
    }
  });
});
