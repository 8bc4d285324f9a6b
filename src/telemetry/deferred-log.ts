import type { Log } from './log.ts';

/** By then nft has been given the first rules; nobody who reads the log notices. */
const openAfterMs = 25;

/**
 * A log that is loaded once there is something to log, and not before what is being done at that moment has been handed
 * to a tool: what it takes to log takes longer to load than the first rules take nft. Nothing is lost, and the order kept.
 */
export function createDeferredLog(load: () => Promise<Log>): Log {
  const waiting: ((log: Log) => void)[] = [];
  let loaded: Log | undefined;

  const open = async (): Promise<void> => {
    const log = await load();
    for (const write of waiting) write(log);
    loaded = log;
  };
  const write =
    (level: keyof Log): Log[keyof Log] =>
    (message, fields) => {
      if (loaded) loaded[level](message, fields);
      else if (waiting.push((log) => log[level](message, fields)) === 1) setTimeout(() => void open(), openAfterMs);
    };
  return { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug') };
}
