import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';

/** A ConfigMap as Kubernetes mounts it: the data's keys are the file names. */
export class ConfigMapVolume {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /**
   * Puts new data in place in the steps of the kubelet's AtomicWriter (kubernetes pkg/volume/util/atomic_writer.go):
   * a new directory, links for new keys (which lead nowhere for an instant), one rename, links of gone keys removed, old
   * directory removed. Data that equals what is there changes nothing.
   *
   * Gives the moment of the swap, in milliseconds on the clock of performance.now().
   */
  async write(data: Readonly<Record<string, string>>): Promise<number> {
    await mkdir(this.directory, { recursive: true });
    const before = await readlink(join(this.directory, '..data')).catch(() => undefined);
    const keysBefore = before === undefined ? [] : await readdir(join(this.directory, before));
    if (before !== undefined && (await this.#holds(before, keysBefore, data))) return performance.now();

    const now = new Date().toISOString().replace(/[-T:]/g, '_').replace(/\..*/, '');
    const directory = await mkdtemp(join(this.directory, `..${now}.`));
    await chmod(directory, 0o755);
    for (const [key, text] of Object.entries(data)) await writeFile(join(directory, key), text);
    for (const key of Object.keys(data)) await this.#link(key);

    await symlink(directory.slice(this.directory.length + 1), join(this.directory, '..data_tmp'));
    const swappedAt = performance.now();
    await rename(join(this.directory, '..data_tmp'), join(this.directory, '..data'));

    for (const key of keysBefore) if (!(key in data)) await unlink(join(this.directory, key));
    if (before !== undefined) await rm(join(this.directory, before), { recursive: true });
    return swappedAt;
  }

  async #holds(directory: string, keys: readonly string[], data: Readonly<Record<string, string>>): Promise<boolean> {
    if (keys.length !== Object.keys(data).length) return false;
    const same = keys.map(async (key) => data[key] === (await readFile(join(this.directory, directory, key), 'utf8')));
    return (await Promise.all(same)).every(Boolean);
  }

  async #link(key: string): Promise<void> {
    const visible = join(this.directory, key);
    const exists = await readlink(visible).then(Boolean, () => false);
    if (!exists) await symlink(join('..data', key), visible);
  }
}
