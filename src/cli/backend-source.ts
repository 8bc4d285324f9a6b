import type { Backend } from '../backends/backend.ts';
import { createNftBackend } from '../backends/nft/backend.ts';
import { systemRunner } from '../system/runner.ts';
import type { Flags } from './flags.ts';

/** The backend that the flags name; `auto` without a host to look at is nft. */
export function backendOf(_flags: Flags): Backend {
  return createNftBackend({ runner: systemRunner });
}

/** Every backend, for commands that look everywhere. */
export function allBackends(flags: Flags): readonly Backend[] {
  return [backendOf(flags)];
}
