import type { Backend, BackendName } from '../../src/backends/backend.ts';
import { createNftBackend } from '../../src/backends/nft/backend.ts';
import { TestBed } from './harness/test-bed.ts';
import { iptablesBackendOn } from './iptables-node.ts';

/** One backend, driven in this process, in a test bed of its own. */
export interface Candidate {
  readonly backend: Backend;
  readonly bed: TestBed;
}

const makers: Readonly<Record<BackendName, (bed: TestBed) => Backend>> = {
  nft: ({ runner }) => createNftBackend({ runner }),
  'iptables-nft': ({ node }) => iptablesBackendOn(node, 'nft'),
  'iptables-legacy': ({ node }) => iptablesBackendOn(node, 'legacy'),
};

export const backendNames: readonly BackendName[] = ['nft', 'iptables-nft', 'iptables-legacy'];

export async function createCandidate(name: BackendName): Promise<Candidate> {
  const bed = await TestBed.create();
  return { backend: makers[name](bed), bed };
}
