import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { systemRunner } from '../../src/system/run.ts';
import { root } from './manifests.ts';

const directory = `${root}deploy/node-problem-detector`;
const script = `${directory}/ip-masq-agent.sh`;

/** What the detector knows (pkg/custompluginmonitor/types of kubernetes/node-problem-detector). */
const configSchema = z.strictObject({
  plugin: z.literal('custom'),
  pluginConfig: z.strictObject({
    invoke_interval: z.string(),
    timeout: z.string(),
    max_output_length: z.int(),
    concurrency: z.int(),
    enable_message_change_based_condition_update: z.boolean(),
  }),
  source: z.string(),
  metricsReporting: z.boolean(),
  conditions: z.array(z.strictObject({ type: z.string(), reason: z.string(), message: z.string() })),
  rules: z.array(
    z.strictObject({
      type: z.literal('permanent'),
      condition: z.string(),
      reason: z.string(),
      path: z.string(),
      timeout: z.string(),
    }),
  ),
});

describe('the plugin for node-problem-detector', () => {
  let programs: string;

  beforeEach(async () => {
    programs = await mkdtemp(join(tmpdir(), 'npd-'));
  });
  afterEach(() => rm(programs, { recursive: true }));

  async function install(name: string, body: string): Promise<void> {
    await writeFile(join(programs, name), `#!/bin/sh\n${body}\n`);
    await chmod(join(programs, name), 0o755);
  }

  async function check(...args: string[]): Promise<{ exitCode: number | undefined; output: string }> {
    const line = [`PATH=${programs}:/usr/bin:/bin`, 'sh', script, ...args];
    const { exitCode, stdout } = await systemRunner.run({ tool: 'env', args: line });
    return { exitCode, output: stdout.trim() };
  }

  it('has a config that the detector reads', () => {
    const { conditions, rules } = configSchema.parse(
      JSON.parse(readFileSync(`${directory}/ip-masq-agent.json`, 'utf8')),
    );
    expect(conditions.map(({ type }) => type)).toEqual(rules.map(({ condition }) => condition));
    expect(rules.map(({ path }) => path)).toEqual(['/etc/node-problem-detector/ip-masq-agent.sh']);
  });

  it.each([
    [0, 0, ''],
    [4, 1, 'DRIFTED: not so\nrules      element missing'],
    [3, 2, 'DRIFTED: not so\n\nbackend    nft\nrules      element missing'],
  ])('takes exit code %d of status for %d', async (code, exitCode, output) => {
    await install(
      'ip-masq-agent',
      `test "$*" = 'status --config=/x' || exit 9
printf 'DRIFTED: not so\\n\\nbackend    nft\\nrules      element missing\\n'; exit ${code}`,
    );
    expect(await check('--config=/x')).toEqual({ exitCode, output });
  });

  it('asks the Pod where the node has no agent of its own', async () => {
    await install(
      'crictl',
      `case $1 in
ps) echo 1234 ;;
exec) test "$*" = 'exec --sync 1234 ip-masq-agent status' && echo 'ABSENT: no rules' && exit 4 ;;
esac`,
    );
    expect(await check()).toEqual({ exitCode: 1, output: 'ABSENT: no rules' });
  });

  it.each([
    ['there is nothing to ask', undefined, 'neither ip-masq-agent nor crictl'],
    ['no Pod runs', 'exit 0', 'no ip-masq-agent runs'],
    ['the container runtime can not be asked', 'echo "no socket" >&2; exit 1', 'crictl: no socket'],
  ])('can not say it where %s', async (_, crictl, output) => {
    if (crictl !== undefined) await install('crictl', crictl);
    const answer = await check();
    expect(answer.exitCode).toBe(2);
    expect(answer.output).toContain(output);
  });
});
