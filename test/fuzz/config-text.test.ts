import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { AcceptedConfig } from '../../src/agent/events.ts';
import { createIptablesBackend } from '../../src/backends/iptables/backend.ts';
import { createNftBackend } from '../../src/backends/nft/backend.ts';
import type { Problem } from '../../src/config/config.ts';
import { effectiveConfigJson } from '../../src/config/config.ts';
import { formatProblem } from '../../src/config/problems.ts';
import { configKeys } from '../../src/config/schema.ts';
import { buildPolicy } from '../../src/policy/build.ts';
import { listNames } from '../../src/policy/policy.ts';
import { fakeRunner } from '../fakes/runner.ts';
import { readText, readTexts } from '../unit/config/read-text.ts';
import { campaign, campaignTimeoutMs } from './campaign.ts';
import { configTexts } from './corpus.ts';
import { mutationsOf } from './mutation.ts';
import { expectNftGrammar, expectRestoreGrammar } from './ruleset-grammar.ts';

const words = [
  ...configKeys,
  ...['- ', ': ', ', ', '[', ']', '{', '}', '"', "'", '|\n', '>-\n', '|2+\n', '#', '\n', '\n  ', '\t', '\r\n', '\r'],
  ...['&a ', '*a', '<<: *a\n', '!!str ', '!!binary ', '!<x> ', '%YAML 1.1\n', '---\n', '...\n', '? ', '@', '`', '~'],
  ...['10.0.0.0/8', 'fd00::/8', '0.0.0.0/0', '::/0', '255.255.255.255/32', '1m0s', '-1', '0x40', '1e309', '.inf'],
  ...['true', 'yes', 'null', 'kind: ConfigMap\n', 'data:\n', '\\u0000', '\\x0a', '\u0085', '\u2028', '\ufeff', '😀'],
  ...['; flush ruleset\n', '10.0.0.0/8 }; add rule', '$(id)', '\u001b[2J'],
];

const texts = mutationsOf(configTexts(), words);
const files = fc.array(texts, { minLength: 1, maxLength: 2 });
const options = fc.record({ enableIPv6: fc.boolean(), nomasqAllReservedRanges: fc.boolean() });
const backends = [
  createNftBackend({ runner: fakeRunner([]) }),
  createIptablesBackend({ flavour: 'nft', chain: 'IP-MASQ-AGENT', runner: fakeRunner([]) }),
];

it('any config text is read or refused, with the place, and gives rules of our own grammar only', {
  timeout: campaignTimeoutMs,
}, async () => {
  await campaign('config text', fc.tuple(files, options), ([contents, flags]) => {
    const reading = readTexts(
      contents.map((content) => Buffer.from(content, 'latin1')),
      flags,
    );
    for (const warning of reading.warnings) expectTold(warning);
    if (reading.ok) {
      expectRules(reading, flags.enableIPv6);
      expectReadsBack(reading, flags.enableIPv6);
      return;
    }
    expect(reading.problems.length).toBeGreaterThan(0);
    for (const problem of reading.problems) expectTold(problem);
  });
});

/** One line of reasonable length, with the file and the place in it. */
function expectTold(problem: Problem): void {
  expect(problem.message).not.toBe('');
  const line = formatProblem(problem);
  // More than 200 are not told one by one.
  expect(line).toMatch(/^[ab]:(?:[1-9]\d*:[1-9]\d*: [^\p{Cc}\u2028\u2029]+| further (?:problems|warnings))$/u);
  expect(line.length).toBeLessThan(1_000);
}

function expectRules({ config }: AcceptedConfig, enableIPv6: boolean): void {
  const policy = buildPolicy(config, { enableIPv6, randomFully: true, toPorts: [] });
  for (const transaction of backends.flatMap((backend) => backend.render(policy))) {
    if (transaction.command[0] === 'nft') expectNftGrammar(transaction.text);
    else expectRestoreGrammar(transaction.text);
  }
  for (const list of listNames) expect(enableIPv6 || policy.ipv6[list].length === 0 || !policy.ipv6.enabled).toBe(true);
}

/** What the agent says that it understood is a config that means the same. */
function expectReadsBack({ config }: AcceptedConfig, enableIPv6: boolean): void {
  const effective = effectiveConfigJson(config);
  // The limit is for each file; together they may have more.
  const longest = Math.max(...Object.values(effective).map((value) => (Array.isArray(value) ? value.length : 0)));
  if (longest > config.cidrLimit.value) return;
  // Go's largest integers are rounded up, beyond what it reads.
  if (config.cidrLimit.value > Number.MAX_SAFE_INTEGER) return;
  const again = readText(JSON.stringify(effective), { enableIPv6 });
  expect(again.ok && effectiveConfigJson(again.config)).toEqual(effective);
}
