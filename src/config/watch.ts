import { watch } from 'chokidar';

/**
 * Calls back whenever something at the path may have changed: the file itself, any file of the directory, or the
 * `..data` link by which the kubelet swaps a ConfigMap volume. Events are hints, and several may stand for one change.
 *
 * A path whose parent does not exist either can't be watched, and a node may run out of inotify watches: `onFailure`
 * tells why. The resync is there for both.
 */
export async function watchConfig(
  path: string,
  onEvent: () => void,
  onFailure: (reason: string) => void,
): Promise<{ stop(): Promise<void> }> {
  const watcher = watch(path, { ignoreInitial: true, depth: 0 });
  const ready = new Promise<void>((resolve) => {
    watcher.once('ready', resolve);
    watcher.on('error', (error) => {
      onFailure(error instanceof Error ? error.message : String(error));
      resolve();
    });
  });
  watcher.on('all', onEvent);
  await ready;
  return { stop: () => watcher.close() };
}
