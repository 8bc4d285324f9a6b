import { isDeepStrictEqual } from 'node:util';
import type { Backend } from '../../src/backends/backend.ts';
import { desiredTable } from '../../src/backends/nft/desired.ts';
import type { AgentError } from '../../src/errors.ts';
import type { Policy } from '../../src/policy/policy.ts';

/** A backend whose kernel is a variable. */
export interface FakeBackend extends Backend {
  /** What the kernel holds; a test may change it behind the agent's back. */
  kernel: Policy | undefined;
  /** What was called, in order. */
  readonly calls: string[];
  /** Errors that the next calls of apply end with. */
  readonly failures: AgentError[];
  /** Delays apply until it resolves. */
  hold: Promise<void> | undefined;
}

export function fakeBackend(): FakeBackend {
  const backend: FakeBackend = {
    name: 'nft',
    kernel: undefined,
    calls: [],
    failures: [],
    hold: undefined,
    probe: () => Promise.resolve({ usable: true, reason: 'fake' }),
    render: () => [],
    async apply(policy) {
      backend.calls.push('apply');
      await backend.hold;
      const failure = backend.failures.shift();
      if (failure) throw failure;
      backend.kernel = policy;
    },
    observe(policy) {
      backend.calls.push('observe');
      if (!backend.kernel) return Promise.resolve({ state: 'absent', differences: ['nothing is there'] });
      const isSame = isDeepStrictEqual(desiredTable(backend.kernel), desiredTable(policy));
      return Promise.resolve(
        isSame ? { state: 'in-sync', differences: [] } : { state: 'drifted', differences: ['it differs'] },
      );
    },
    cleanup: () => Promise.resolve([]),
  };
  return backend;
}
