import type { DesiredChains } from '../../../../src/backends/iptables/desired.ts';
import { parseRule } from '../../../../src/backends/iptables/rule-text.ts';
import { inNetwork, parseBits } from '../../../generators/bits.ts';

interface PacketText {
  readonly source: string;
  readonly destination: string;
}

/** Walks a packet of a protocol without ports through the chains, from behind the jump, as the kernel would. */
export function verdictOf({ chains }: DesiredChains, packet: PacketText): 'keep' | 'masquerade' {
  let rules = chains[0]?.rules.map(parseRule) ?? [];
  for (;;) {
    const hit = rules.find(({ words }) => matches(words.slice(2), packet));
    if (!hit || hit.target === 'RETURN') return 'keep';
    if (hit.target === 'MASQUERADE') return 'masquerade';
    // After a goto, the end of the new chain is the end of all.
    if (!hit.words.includes('-g')) throw new Error(`not a goto: ${hit.text}`);
    const next = chains.find(({ name }) => name === hit.target);
    if (!next) throw new Error(`no chain for ${hit.text}`);
    rules = next.rules.map(parseRule);
  }
}

/** Every option must be known: one that is not would be a match that this walk does not make. */
function matches(words: readonly string[], { source, destination }: PacketText): boolean {
  const [option, value = '', ...rest] = words;
  switch (option) {
    case undefined:
      return true;
    case '-s':
      return inNetwork(value, parseBits(source)) && matches(rest, { source, destination });
    case '-d':
      return inNetwork(value, parseBits(destination)) && matches(rest, { source, destination });
    case '-p':
      return false;
    case '-m':
    case '--comment':
    case '-j':
    case '-g':
      return matches(rest, { source, destination });
    case '--random-fully':
      return matches(words.slice(1), { source, destination });
    default:
      throw new Error(`unknown option ${option}`);
  }
}
