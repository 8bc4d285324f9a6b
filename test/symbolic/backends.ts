import type { BackendName } from '../../src/backends/backend.ts';
import { createIptablesBackend } from '../../src/backends/iptables/backend.ts';
import { createNftBackend } from '../../src/backends/nft/backend.ts';
import type { Family } from '../../src/net/family.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { Runner } from '../../src/system/run.ts';
import type { CountersOf, Rules } from './agreement.ts';
import { chainsOfRestore } from './iptables-text.ts';
import { tableOf } from './nft-text.ts';
import { fatesIn } from './ruleset.ts';

const runner: Runner = { run: () => Promise.reject(new Error('rendering needs no tool')) };
const nft = createNftBackend({ runner });
const table = 'inet ip-masq-agent';
/** Where and when the kernel calls our chain: after kube-proxy and the CNI. */
const hook = 'type nat hook postrouting priority srcnat + 10; policy accept;';

/** A rendered policy as a function of packets, and what it counts. */
export interface RenderedRules {
  readonly rules: Rules;
  readonly countersOf: CountersOf;
}

export const renderedBy: Readonly<Record<BackendName, (policy: Policy) => RenderedRules>> = {
  nft(policy) {
    const { chains, hooks } = tableOf(
      nft.render(policy).map(({ text }) => text),
      table,
    );
    const [[base = '', head] = [], ...others] = [...hooks];
    if (head !== hook || others.length > 0) throw new Error(`not the one hook: ${JSON.stringify([...hooks])}`);
    return {
      rules: (packets) => fatesIn(chains, base, packets),
      countersOf: (verdict, family) => [`${verdict === 'keep' ? 'kept' : 'masqueraded'}-${family}`],
    };
  },
  'iptables-nft': iptables('nft'),
  'iptables-legacy': iptables('legacy'),
};

function iptables(flavour: 'nft' | 'legacy') {
  const backend = createIptablesBackend({ flavour, chain: 'IP-MASQ-AGENT', runner });
  return (policy: Policy): RenderedRules => {
    const transactions = backend.render(policy);
    const textFor = (family: Family) => {
      const tool = `${family === 'ipv4' ? 'iptables' : 'ip6tables'}-${flavour}-restore`;
      const [transaction, ...more] = transactions.filter(({ command }) => command[0] === tool);
      if (more.length > 0) throw new Error(`${tool} is run more than once`);
      return transaction?.text ?? '*nat\nCOMMIT\n';
    };
    const chains = {
      ipv4: chainsOfRestore(textFor('ipv4'), 'ipv4'),
      ipv6: chainsOfRestore(textFor('ipv6'), 'ipv6'),
    };
    return {
      rules: (packets) => fatesIn(chains[packets.family], 'POSTROUTING', packets),
      countersOf: () => [],
    };
  };
}
