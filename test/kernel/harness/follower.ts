import { execa } from 'execa';
import type { Command } from '../../../src/system/run.ts';

/** A tool that ignores SIGTERM is given no more time than this before SIGKILL. */
const killDelayMs = 400;

/** How much of what a tool that keeps running complained is told when it ends. */
const maxComplaintLength = 2_000;

/** A tool that runs until it is stopped, and what it prints. */
export interface Following {
  /** Undefined where it could not be started. */
  readonly pid: number | undefined;
  /** Resolves when the tool has ended, with the reason. Never rejects. */
  readonly ended: Promise<string>;
  stop(): void;
}

/** The other half of the boundary: tools that keep running. */
export interface Follower {
  follow(command: Pick<Command, 'tool' | 'args'>, listeners: FollowingListeners): Following;
}

/** Who gets what a tool prints, in pieces that need not end with a line. */
export interface FollowingListeners {
  readonly onOutput: (piece: string) => void;
  readonly onError?: (piece: string) => void;
}

/** The follower that starts real processes. */
export const systemFollower: Follower = {
  follow({ tool, args }, { onOutput, onError }) {
    const process = execa(tool, args, {
      stdin: 'ignore',
      buffer: false,
      forceKillAfterDelay: killDelayMs,
      reject: false,
      env: { LC_ALL: 'C' },
    });
    let complaint = '';
    process.stdout.setEncoding('utf8').on('data', onOutput);
    process.stderr.setEncoding('utf8').on('data', (piece: string) => {
      complaint = (complaint + piece).slice(-maxComplaintLength);
      onError?.(piece);
    });
    const ended = process.then(({ exitCode, signal, shortMessage }) => {
      const how = signal ?? (exitCode === undefined ? shortMessage : `exit code ${exitCode}`);
      return [`${[tool, ...args].join(' ')} ended: ${how}`, complaint].join(' ').trim();
    });
    const stop = (): void => {
      process.kill();
      // Not to wait for whatever else the tool has started, and which may hold on to its output.
      process.stdout.destroy();
      process.stderr.destroy();
    };
    return { pid: process.pid, ended, stop };
  },
};
