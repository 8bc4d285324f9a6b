import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Problem } from './config.ts';

/**
 * Warns of a config that is mounted with `subPath`, which the kubelet never brings up to date (kubernetes#50345). Nothing
 * where the kernel does not tell how it is mounted.
 */
export async function subPathWarnings(config: string): Promise<readonly Problem[]> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  return subPathMounts(mounts, resolve(config)).map((file) => ({
    file,
    message:
      'is mounted with subPath, so a change of the ConfigMap reaches it only when the Pod is started anew; mount the whole volume instead',
  }));
}

/**
 * The mount points at or below a path, or above it, that are one file or directory of a ConfigMap instead of all of it.
 * The text is that of proc_pid_mountinfo(5). The kubelet binds them from the volume's current version, a directory named
 * by the time it was written (`..2026_01_02_03_04_05.678`), while a whole volume is bound from above that.
 */
export function subPathMounts(mountinfo: string, path: string): readonly string[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [, , , root = '', mountPoint = ''] = line.split(' ').map(unescaped);
    const isOurs = isWithin(mountPoint, path) || (mountPoint !== '/' && isWithin(path, mountPoint));
    return isOurs && versionOfVolume.test(root) ? [mountPoint] : [];
  });
}

const versionOfVolume = /\/kubernetes\.io~(?:configmap|secret|projected)\/[^/]+\/\.\.\d{4}_[^/]+\//;

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

/** Blanks and backslashes stand as octal escapes in it. */
function unescaped(field: string): string {
  return field.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
