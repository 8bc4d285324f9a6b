import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { createIptablesBackend } from '../../src/backends/iptables/backend.ts';
import { helperChains } from '../../src/backends/iptables/names.ts';
import { createNftBackend } from '../../src/backends/nft/backend.ts';
import { type Arguments, parseArguments } from '../../src/cli/args.ts';
import { commandOf, commands } from '../../src/cli/commands.ts';
import { allFlagNames } from '../../src/cli/flags.ts';
import { AgentError } from '../../src/errors.ts';
import { policyWith } from '../builders/policy.ts';
import { fakeRunner } from '../fakes/runner.ts';
import { campaign, campaignTimeoutMs } from './campaign.ts';
import { mutationsOf, textOf } from './mutation.ts';
import { expectNftGrammar, expectRestoreGrammar } from './ruleset-grammar.ts';

const values = [
  ...['', 'true', 'false', 'T', '0', '4', '-1', '1s', '1m30s', '2562047h', '1e9s', '90', 'nft', 'auto', 'legacy'],
  ...['iptables-legacy', '/etc/config', 'IP-MASQ-AGENT', 'POSTROUTING', '1024-29999,32768-65535', '0-0', '65535'],
  ...['127.0.0.1:9090', '[::1]:9090', ':0', 'json', 'debug', '10.0.0.1', 'fe80::1%eth0', 'tcp', '--', '-', '=', '\n'],
  ...['$(id)', 'A; -j ACCEPT', 'A\n-F', '__proto__', 'constructor', '99999999999999999999'],
];
const commandNames = Object.keys(commands);
const names = [...allFlagNames, '__proto__', 'toString'];
const flags = names.flatMap((name) => [`--${name}`, `-${name}`, `--${name.replaceAll('-', '_')}=`]);
const whole = fc.constantFrom(...flags, ...values, ...commandNames);
const assigned = fc
  .tuple(fc.constantFrom(...names), fc.constantFrom(...values))
  .map(([name, value]) => `--${name}=${value}`);
const mutated = mutationsOf([...flags, ...values, ...commandNames], [...values, ...names]).map(textOf);
const lines = fc.array(
  fc.oneof({ weight: 6, arbitrary: assigned }, { weight: 3, arbitrary: whole }, { weight: 2, arbitrary: mutated }),
  { maxLength: 8 },
);

it('any command line is understood, or refused as wrong usage', { timeout: campaignTimeoutMs }, async () => {
  let understood = 0;
  await campaign('argv', lines, (args) => {
    const line = parsed(args);
    if (!line) return;
    understood++;
    expect(commandNames).toContain(commandOf(line).name);
    expectRules(line);
  });
  expect(understood).toBeGreaterThan(0);
});

function parsed(args: readonly string[]): Arguments | undefined {
  try {
    const line = parseArguments(args);
    commandOf(line);
    return line;
  } catch (error) {
    expect(error).toBeInstanceOf(AgentError);
    expect(error).toMatchObject({ code: 'USAGE' });
    return undefined;
  }
}

/** Whatever the flags are, the rules that they shape are of our own grammar. */
function expectRules({ flags: { 'masq-chain': chain, 'to-ports': toPorts, 'random-fully': randomFully } }: Arguments) {
  const policy = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'] }, toPorts, randomFully });
  const runner = fakeRunner([]);
  for (const { text } of createNftBackend({ runner }).render(policy)) expectNftGrammar(text);
  const iptables = createIptablesBackend({ flavour: 'legacy', chain, runner });
  for (const { text } of iptables.render(policy)) expectRestoreGrammar(text);
  for (const name of [chain, ...Object.values(helperChains(chain))]) expect(name.length).toBeLessThanOrEqual(28);
}
