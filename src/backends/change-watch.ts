/** Who changed rules of ours. */
export interface Origin {
  /** The process, as the kernel's first pid namespace numbers it. */
  readonly pid: number;
  readonly program: string;
}

/** `process 812 (nft)`. */
export function describeOrigin({ pid, program }: Origin): string {
  return `process ${pid} (${program})`;
}

export interface ChangeListener {
  /** Another program has changed rules of ours, or may have. */
  onChange(): void;
  /** From now on changes are noticed; what happened before may not have been. */
  onListening(): void;
  /** The kernel can't be heard, and why; it is looked at every few seconds from now on. Called once at most. */
  onFailure(reason: string): void;
}

/** Notices changes that other programs make to our rules. Moments are on the clock of monotonicMs(). */
export interface ChangeWatch {
  /** Whether it is certain that, from a moment to now, nobody else has changed our rules. Never throws. */
  proveNoChangeSince(moment: number): Promise<boolean>;
  /** Who made the first such change that was heard of since a moment, where that is known. */
  originSince(moment: number): Origin | undefined;
  /** When rules that are not ours were last changed by another program; undefined where that can't be heard. */
  othersChangedAt(): number | undefined;
  /** Our rules were read, from a moment on, and were right, or were written (`wasWritten`) and are right now. */
  noteLook(startedAt: number, wasWritten: boolean): void;
  stop(): Promise<void>;
}

export type StartChangeWatch = (listener: ChangeListener) => ChangeWatch;
