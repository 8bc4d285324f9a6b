import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { comments } from '../../src/backends/iptables/names.ts';
import { parseArguments } from '../../src/cli/args.ts';
import { configReaderOf, policyOf } from '../../src/cli/wire/policy.ts';
import { AgentError } from '../../src/errors.ts';
import type { Family } from '../../src/net/family.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { Namespace } from './harness/namespace.ts';
import { flavours, iptablesBackendOn, natTableOf } from './iptables-node.ts';

/** What upstream v2.12.6 was given, and the rules that it then made. */
const upstreamCases = z
  .array(
    z.object({
      name: z.string(),
      flags: z.array(z.string()),
      config: z.string().nullable(),
      configHex: z.string().optional(),
      exit: z.number().nullable(),
      errors: z.array(z.string()),
      nat4: z.array(z.string()),
      nat6: z.array(z.string()),
    }),
  )
  .parse(JSON.parse(readFileSync(new URL('../fixtures/upstream-v2.12.6-cases.json', import.meta.url), 'utf8')));

type UpstreamCase = (typeof upstreamCases)[number];

const accepted = upstreamCases.filter(({ exit, errors }) => exit === null && errors.length === 0);

/** Deliberate deviations: refused here, though upstream takes it. */
const refused = new Set(['null-entry', 'cidr4-15', 'to-ports-zero']);

/** Deliberate deviations: what becomes of the recorded rules. */
const deviations: Readonly<Record<string, (recorded: readonly string[]) => readonly string[]>> = {
  // A rule that would be there twice is there once.
  duplicates: (recorded) => [...new Set(recorded)],
  // The manifest is unwrapped: its own list counts, not the defaults.
  'whole-configmap': (recorded) => recorded.filter((rule) => !/ -d 1(?:72|92)\./.test(rule)),
  // Upstream does not know the key for sources.
  'doc-sample-capitalised': ([jump = '', ...rules]) => [
    jump,
    `-A IP-MASQ-AGENT -s 10.0.0.0/12 -m comment --comment "${comments.keepSource}" -j RETURN`,
    ...rules,
  ],
};

describeKernel('the rules that upstream v2.12.6 makes', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ip-masq-agent-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  async function policyOfCase({ name, flags, config, configHex }: UpstreamCase): Promise<[Policy, chain: string]> {
    const file = join(directory, name);
    if (configHex !== undefined) await writeFile(file, Buffer.from(configHex, 'hex'));
    else if (config !== null) await writeFile(file, config);
    const commandLine = parseArguments([...flags, `--config=${file}`]);
    const reading = await configReaderOf(commandLine.flags).read();
    if (!reading.ok) throw new AgentError('CONFIG_INVALID', JSON.stringify(reading.problems));
    return [policyOf(commandLine.flags, reading), commandLine.flags['masq-chain']];
  }

  it('are recorded', () => {
    expect(accepted.length).toBe(70);
  });

  it.each(accepted.filter(({ name }) => refused.has(name)))(
    'are not made of $name, which is refused',
    async (upstream) => {
      await expect(policyOfCase(upstream)).rejects.toBeInstanceOf(AgentError);
    },
  );

  describe.each(flavours)('with the %s flavour', (flavour) => {
    let node: Namespace;
    beforeAll(async () => {
      node = await Namespace.create('node', { XTABLES_LOCKFILE: join(directory, `${flavour}.lock`) });
    });
    afterAll(() => node.delete());

    const rules = async (family: Family) =>
      (await natTableOf(node, flavour, family)).filter((line) => line.startsWith('-A '));

    it.each(accepted.filter(({ name }) => !refused.has(name)))('are made of $name, to the letter', async (upstream) => {
      const [policy, chain] = await policyOfCase(upstream);
      const backend = iptablesBackendOn(node, flavour, chain);
      await backend.apply(policy);
      const deviation = deviations[upstream.name] ?? ((recorded) => recorded);
      expect(await rules('ipv4')).toEqual(deviation(upstream.nat4));
      expect(await rules('ipv6')).toEqual(upstream.nat6);
      await backend.cleanup();
      expect([await natTableOf(node, flavour, 'ipv4'), await natTableOf(node, flavour, 'ipv6')]).toEqual([[], []]);
    });
  });
});
