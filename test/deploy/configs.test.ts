import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { tool } from '../container/tool.ts';
import { kustomization, root } from './manifests.ts';

const explanation = z.object({ verdict: z.enum(['keep', 'masquerade']) });

function agent(...args: string[]): Promise<string> {
  return tool(process.execPath, `${root}src/main.ts`, ...args);
}

async function verdict(config: string, source: string, destination: string): Promise<string> {
  const question = ['--config', config, '--src', source, '--dst', destination, '--output', 'json'];
  return explanation.parse(JSON.parse(await agent('explain', ...question))).verdict;
}

/** Sources by what they are on TKE: a Pod of GlobalRouter, and one of VPC-CNI, in the VPC of the example. */
const globalRouter = '172.20.1.2';
const vpcCni = '10.0.3.4';

describe('the configs', () => {
  it.each([
    ['global-router', globalRouter, '8.8.8.8', 'masquerade'],
    ['global-router', globalRouter, '10.0.3.4', 'keep'],
    ['global-router', globalRouter, '192.168.1.1', 'keep'],
    ['global-router', globalRouter, '169.254.169.254', 'masquerade'],
    ['vpc-cni', vpcCni, '8.8.8.8', 'keep'],
    ['vpc-cni', vpcCni, '10.9.9.9', 'keep'],
    ['mixed', globalRouter, '8.8.8.8', 'masquerade'],
    ['mixed', globalRouter, '10.0.3.4', 'keep'],
    ['mixed', vpcCni, '8.8.8.8', 'keep'],
    ['mixed', globalRouter, '169.254.169.254', 'masquerade'],
  ])('for TKE, %s: %s towards %s is %s', async (mode, source, destination, expected) => {
    expect(await verdict(`${kustomization}/tke/${mode}.yaml`, source, destination)).toBe(expected);
  });

  it.each([
    'deploy/kubernetes/config-map.yaml',
    'deploy/systemd/config.yaml',
    'deploy/kubernetes/tke/global-router.yaml',
    'deploy/kubernetes/tke/vpc-cni.yaml',
    'deploy/kubernetes/tke/mixed.yaml',
  ])('%s is valid, without a warning', async (file) => {
    expect((await agent('validate', '--config', `${root}${file}`)).trim()).toBe(`valid: ${root}${file}`);
  });
});
