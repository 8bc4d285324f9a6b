import type { Backend, BackendName } from '../backends/backend.ts';
import { createIptablesBackend } from '../backends/iptables/backend.ts';
import { createNftBackend } from '../backends/nft/backend.ts';
import { systemRunner } from '../system/runner.ts';
import type { Flags } from './flags.ts';

const runner = systemRunner;

/** The backends as the flags set them up, the first choice first. */
export function allBackends(flags: Flags): Readonly<Record<BackendName, Backend>> {
  const chain = flags['masq-chain'];
  return {
    nft: createNftBackend({ runner }),
    'iptables-nft': createIptablesBackend({ flavour: 'nft', chain, runner }),
    'iptables-legacy': createIptablesBackend({ flavour: 'legacy', chain, runner }),
  };
}

/** The backend that the flags name; `auto`, where no host is looked at, stands for nft. */
export function namedBackend(flags: Flags): Backend {
  return allBackends(flags)[flags.backend === 'auto' ? 'nft' : flags.backend];
}
