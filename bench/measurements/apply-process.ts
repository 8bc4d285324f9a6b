/**
 * Applies two policies in turn to the kernel of its network namespace, and tells how long each took.
 * Arguments: what to apply them with, the size of the policies, and how often.
 */
import type { Backend } from '../../src/backends/backend.ts';
import { createIptablesBackend } from '../../src/backends/iptables/backend.ts';
import { createNftBackend } from '../../src/backends/nft/backend.ts';
import { table } from '../../src/backends/nft/names.ts';
import { systemRunner as runner } from '../../src/system/run.ts';
import { policyWith } from '../../test/builders/policy.ts';
import { networks, toggledNetwork } from '../config-texts.ts';

const chain = 'IP-MASQ-AGENT';

const appliers: Readonly<Record<string, () => Pick<Backend, 'apply'>>> = {
  nft: () => createNftBackend({ runner }),
  'iptables-nft': () => createIptablesBackend({ flavour: 'nft', chain, runner }),
  'iptables-legacy': () => createIptablesBackend({ flavour: 'legacy', chain, runner }),
  're-created nft table': recreation,
};

/** What hitless changes are compared with. */
function recreation(): Pick<Backend, 'apply'> {
  const nft = createNftBackend({ runner });
  return {
    async apply(policy) {
      const fillAndSwitch = nft.render(policy).map(({ text }) => text);
      const input = [`add table ${table}\ndelete table ${table}\n`, ...fillAndSwitch].join('');
      const { exitCode, stderr } = await runner.run({ tool: 'nft', args: ['-f', '-'], input });
      if (exitCode !== 0) throw new Error(stderr);
    },
  };
}

const [name = '', cidrs = '', rounds = ''] = process.argv.slice(2);
const applier = appliers[name];
if (!applier) throw new Error(`no backend ${name}`);
const backend = applier();
const policies = [networks(Number(cidrs)), [...networks(Number(cidrs) - 1), toggledNetwork]].map((keepDestinations) =>
  policyWith({ ipv4: { keepDestinations } }),
);
for (const policy of policies) await backend.apply(policy);
const times: number[] = [];
for (let round = 0; round < Number(rounds); round++) {
  const policy = policies[round % policies.length];
  if (!policy) continue;
  const startedAt = performance.now();
  await backend.apply(policy);
  times.push(performance.now() - startedAt);
}
process.send?.(times);
process.disconnect?.();
