/** Long enough that a burst of changes is over. */
const quietMs = 3_000;

/** Frees, once nothing has happened for a while, what work has left behind. */
export interface IdleMemory {
  /** There has been work. */
  worked(): void;
}

type Collect = (options: NodeJS.GCOptions) => unknown;

/**
 * V8 collects garbage when it needs room, and an idle agent never does: what reading a config and a listing took, code
 * that ran once included, would stay for ever. `collect` is there where Node was started with --expose-gc, as the
 * agent is by default; it takes 25 ms, and 0.1 s after 100,000 CIDRs.
 */
export function createIdleMemory(collect: Collect | undefined = globalThis.gc): IdleMemory {
  let timer: NodeJS.Timeout | undefined;
  return {
    worked() {
      if (!collect) return;
      clearTimeout(timer);
      timer = setTimeout(() => collect({ type: 'major', execution: 'sync', flavor: 'last-resort' }), quietMs).unref();
    },
  };
}
