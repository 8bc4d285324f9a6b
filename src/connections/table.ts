import { AgentError, codeOf } from '../errors.ts';
import type { Family } from '../net/family.ts';
import type { Outcome, Streamer } from '../system/run.ts';
import type { Connection } from './connection.ts';
import { LineSplitter } from './line-splitter.ts';
import { parseConnectionLine } from './parse-line.ts';

export interface TableOptions {
  readonly streamer: Streamer;
  /** The families that are on. */
  readonly families: readonly Family[];
  readonly signal?: AbortSignal | undefined;
}

/** A table of a million connections takes a few seconds; this is for a node that has no time for us. */
const timeoutMs = 60_000;

/**
 * Reads the connections of the default zone from the kernel's table, one after the other, without ever holding more
 * than one; gives how many lines were not understood. Throws AgentError: TOOL_MISSING without the conntrack tool,
 * NO_PERMISSION without CAP_NET_ADMIN, TOOL_FAILED.
 */
export async function readConnections(
  { streamer, families, signal }: TableOptions,
  onConnection: (connection: Connection) => void,
): Promise<{ readonly unreadable: number }> {
  let unreadable = 0;
  for (const family of families) {
    const lines = new LineSplitter((line) => {
      const connection = parseConnectionLine(line);
      if (connection === undefined) unreadable++;
      else if (connection !== 'other-zone') onConnection(connection);
    });
    const args = ['-L', '-f', family, '-o', 'extended,id'];
    const outcome = await streamer
      .stream({ tool: 'conntrack', args, timeoutMs, signal }, (piece) => lines.add(piece))
      .catch(explainMissingTool);
    if (outcome.exitCode !== 0) throw conntrackError(outcome);
    lines.end();
  }
  return { unreadable };
}

function explainMissingTool(error: unknown): never {
  if (codeOf(error) !== 'TOOL_MISSING') throw error;
  throw new AgentError('TOOL_MISSING', 'the connections of this node are read with conntrack, which is not installed', {
    cause: error,
  });
}

function conntrackError({ exitCode, stderr }: Pick<Outcome, 'exitCode' | 'stderr'>): AgentError {
  const isForbidden = /not permitted|permission denied/i.test(stderr);
  const message = stderr.trim() || `exit code ${exitCode}`;
  return new AgentError(isForbidden ? 'NO_PERMISSION' : 'TOOL_FAILED', `conntrack -L: ${message}`);
}
