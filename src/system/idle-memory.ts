import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

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
 * that ran once included, would stay for ever. A collection takes 25 ms, and 0.1 s after 100,000 CIDRs.
 */
export function createIdleMemory(findCollect: () => Collect = exposedCollect): IdleMemory {
  let timer: NodeJS.Timeout | undefined;
  let collect: Collect | undefined;
  return {
    worked() {
      clearTimeout(timer);
      timer = setTimeout(() => {
        collect ??= findCollect();
        collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
      }, quietMs).unref();
    },
  };
}

/** Frees what is of no use any more, before work that would have V8 ask for memory beside it. */
export function collectGarbage(): void {
  exposedCollect()({ type: 'major', execution: 'sync' });
}

/**
 * The collector that --expose-gc gives, without that flag on the command line: there it would make Node compile its own
 * modules anew at each start, which takes 20 ms, and refuse the code cache of the executable.
 */
function exposedCollect(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}
