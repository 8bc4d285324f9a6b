import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Backend, BackendName, Observation } from '../../src/backends/backend.ts';
import { findForeignMasquerade } from '../../src/backends/foreign/foreign-masquerade.ts';
import { createIptablesBackend } from '../../src/backends/iptables/backend.ts';
import { iptablesError } from '../../src/backends/iptables/failure.ts';
import { findKubeletHint } from '../../src/backends/iptables/kubelet-hint.ts';
import { findLeftovers, type LeftoverOptions, removeLeftovers } from '../../src/backends/leftovers.ts';
import { createNftBackend } from '../../src/backends/nft/backend.ts';
import { createConnectionCounters } from '../../src/backends/nft/counters.ts';
import { nftError } from '../../src/backends/nft/failure.ts';
import { gatherHostFacts } from '../../src/backends/select.ts';
import { type AgentError, asAgentError, codeOf } from '../../src/errors.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { formatNodeStatus } from '../../src/status/format.ts';
import { gatherNodeStatus } from '../../src/status/node-status.ts';
import type { Runner } from '../../src/system/run.ts';
import { accepted } from '../fakes/config.ts';
import { campaign, campaignTimeoutMs } from './campaign.ts';
import { toolTexts } from './corpus.ts';
import { answersFrom, complaintsFrom, fuzzedTools, writesFrom } from './fuzzed-tools.ts';
import { policies } from './policies.ts';
import { expectNftGrammar, expectRestoreGrammar } from './ruleset-grammar.ts';

const chain = 'IP-MASQ-AGENT';
const names: readonly BackendName[] = ['nft', 'iptables-nft', 'iptables-legacy'];
const readLegacyTables = (): Promise<readonly string[]> => Promise.resolve(['nat', 'mangle']);

function backendsOn(runner: Runner): Readonly<Record<BackendName, Backend>> {
  return {
    nft: createNftBackend({ runner }),
    'iptables-nft': createIptablesBackend({ flavour: 'nft', chain, runner, readLegacyTables }),
    'iptables-legacy': createIptablesBackend({ flavour: 'legacy', chain, runner, readLegacyTables }),
  };
}

/** Everything that the agent and its commands do with the tools; gives the failures that a search told. */
type Operation = (name: BackendName, policy: Policy, runner: Runner) => Promise<readonly AgentError[]>;

const leftoverOptions = (active: BackendName, runner: Runner): LeftoverOptions => {
  return { active, chain, runner, nft: createNftBackend({ runner }), readLegacyTables };
};

const none = (): readonly AgentError[] => [];

/** Whatever the kernel holds, how it differs is told in lines that a log can bear. */
function expectShort({ differences }: Observation): readonly AgentError[] {
  for (const difference of differences) expect(difference.length).toBeLessThan(5_000);
  return [];
}

const operations: Readonly<Record<string, Operation>> = {
  probe: async (name, _, runner) => backendsOn(runner)[name].probe().then(none),
  observe: async (name, policy, runner) => backendsOn(runner)[name].observe(policy).then(expectShort),
  apply: async (name, policy, runner) => backendsOn(runner)[name].apply(policy).then(none),
  repair: async (name, policy, runner) => {
    const backend = backendsOn(runner)[name];
    return backend.apply(policy, undefined, await backend.observe(policy)).then(none);
  },
  cleanup: async (name, _, runner) => backendsOn(runner)[name].cleanup().then(none),
  findLeftovers: async (name, _, runner) => (await findLeftovers(leftoverOptions(name, runner))).failures,
  removeLeftovers: async (name, _, runner) => (await removeLeftovers(leftoverOptions(name, runner))).failures,
  findForeign: async (_, policy, runner) =>
    (await findForeignMasquerade({ policy, chain, runner, readLegacyTables })).failures,
  detect: async (_name, _policy, runner) =>
    gatherHostFacts('auto', {
      backends: backendsOn(runner),
      findKubeletHint: (signal) => findKubeletHint(runner, readLegacyTables, signal),
    }).then(none),
  count: async (_name, _policy, runner) => createConnectionCounters({ runner }).read().then(none),
  async status(name, policy, runner) {
    const reading = accepted(['10.0.0.0/8']);
    const status = await gatherNodeStatus({
      ...{ configPath: '/etc/config', reading, policy, backend: backendsOn(runner)[name], backendReason: '' },
      findLeftovers: () => findLeftovers(leftoverOptions(name, runner)),
      findForeign: () => findForeignMasquerade({ policy, chain, runner, readLegacyTables }),
      findCrashing: () => Promise.resolve({ found: [], failures: [] }),
      readHeld: () => Promise.resolve([]),
      ...{ agents: [], names: [], unknownNames: [], flagsOf: null, lastGoodPolicy: () => Promise.resolve(undefined) },
    });
    expect(formatNodeStatus(status, 0)).toContain('backend');
    return [];
  },
};

/** An error of ours, told in reasonable length. */
function expectClassified(error: AgentError): void {
  if (error.code === 'INTERNAL') throw error;
  expect(error.message.length).toBeLessThan(5_000);
}

it.each(Object.keys(operations))(
  'whatever the tools say: %s ends as it should, and writes our own rules only',
  {
    timeout: campaignTimeoutMs,
  },
  async (operation) => {
    const run = operations[operation];
    if (run === undefined) throw new Error(`there is no ${operation}`);
    const texts = { nft: toolTexts('nft'), iptables: toolTexts('iptables') };
    // Now and then a tool speaks like another.
    const answers = fc.oneof({ weight: 3, arbitrary: answersFrom(texts.nft) }, answersFrom(texts.iptables));
    const cases = fc.record({
      name: fc.constantFrom(...names),
      policy: fc.constantFrom(...policies),
      nft: fc.array(answers, { minLength: 1, maxLength: 6 }),
      iptables: fc.array(answersFrom(texts.iptables), { minLength: 1, maxLength: 12 }),
      writes: fc.array(fc.oneof(writesFrom(texts.nft), writesFrom(texts.iptables)), { minLength: 1, maxLength: 4 }),
    });
    let fed = 0;
    await campaign(operation, cases, async ({ name, policy, nft, iptables, writes }) => {
      const tools = fuzzedTools(name === 'nft' ? nft : iptables, writes);
      try {
        for (const failure of await run(name, policy, tools)) expectClassified(failure);
      } catch (error) {
        expectClassified(asAgentError(error));
      }
      fed += tools.fed.length;
      for (const { tool, input } of tools.fed) {
        if (tool === 'nft') expectNftGrammar(input);
        else expectRestoreGrammar(input);
      }
    });
    if (/apply|repair|remove|cleanup/.test(operation)) expect(fed).toBeGreaterThan(0);
  },
);

it('any complaint of a tool becomes an error with a code', { timeout: campaignTimeoutMs }, async () => {
  const complaints = fc.oneof(complaintsFrom(toolTexts('nft')), complaintsFrom(toolTexts('iptables')));
  await campaign('complaints', fc.tuple(complaints, fc.nat({ max: 255 })), ([stderr, exitCode]) => {
    const outcome = { exitCode, stdout: '', stderr };
    const input = '*nat\n-D POSTROUTING -j X\nCOMMIT\n';
    const command = { tool: 'iptables-legacy-restore', args: [], input };
    for (const error of [nftError(outcome, input), iptablesError(command, outcome)]) {
      expect(codeOf(error)).not.toBe('INTERNAL');
      expect(error.message.length).toBeLessThan(5_000);
    }
  });
});
