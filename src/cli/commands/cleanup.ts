import { exitCodes } from '../../errors.ts';
import { allBackends } from '../backend-source.ts';
import type { CommandFunction } from '../command.ts';

/** Removes everything the agent ever made, in every backend. */
export const cleanup: CommandFunction = async (context) => {
  const removed = [];
  for (const backend of Object.values(allBackends(context.flags))) removed.push(...(await backend.cleanup()));
  context.print(removed.length > 0 ? removed.map((what) => `removed ${what}\n`).join('') : 'nothing to remove\n');
  return exitCodes.done;
};
