import type { Backend, BackendName } from '../../src/backends/backend.ts';
import { createNftBackend } from '../../src/backends/nft/backend.ts';
import { type NftCommand, runnerWith } from '../container/nft-versions.ts';
import { TestBed } from './harness/test-bed.ts';
import { iptablesBackendOn } from './iptables-node.ts';

/** One backend, driven in this process, in a test bed of its own. */
export interface Candidate {
  readonly backend: Backend;
  readonly bed: TestBed;
}

const makers: Readonly<Record<BackendName, (bed: TestBed, nft?: NftCommand) => Backend>> = {
  nft: ({ node, runner }, nft) => createNftBackend({ runner: nft ? runnerWith(nft, node) : runner }),
  'iptables-nft': ({ node }) => iptablesBackendOn(node, 'nft'),
  'iptables-legacy': ({ node }) => iptablesBackendOn(node, 'legacy'),
};

export const backendNames: readonly BackendName[] = ['nft', 'iptables-nft', 'iptables-legacy'];

/** Another nft than the machine's may be given. */
export async function createCandidate(name: BackendName, nft?: NftCommand): Promise<Candidate> {
  const bed = await TestBed.create();
  return { backend: makers[name](bed, nft), bed };
}
