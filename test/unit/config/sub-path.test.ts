import { describe, expect, it } from 'vitest';
import { subPathMounts } from '../../../src/config/sub-path.ts';

const volume = '/pods/4f1e/volumes/kubernetes.io~configmap/config';
const version = '..2026_01_02_03_04_05.678901234';

/** As the kernel of a node shows the mounts of a container. */
function mountinfo(...mounts: readonly (readonly [root: string, mountPoint: string])[]): string {
  return mounts
    .map(([root, at], index) => `${500 + index} 499 8:1 ${root} ${at} ro,relatime - ext4 /dev/sda1 rw,discard\n`)
    .join('');
}

describe('subPathMounts', () => {
  it('sees one key of a ConfigMap that is mounted as the config, into its directory, or above it', () => {
    const file = mountinfo(['/', '/'], [`/var/lib/kubelet${volume}/${version}/config`, '/etc/config/ip-masq-agent']);
    expect(subPathMounts(file, '/etc/config')).toEqual(['/etc/config/ip-masq-agent']);
    expect(subPathMounts(file, '/etc/config/ip-masq-agent')).toEqual(['/etc/config/ip-masq-agent']);
    const directory = mountinfo([`${volume}/${version}/dir`, '/etc/config']);
    expect(subPathMounts(directory, '/etc/config/ip-masq-agent')).toEqual(['/etc/config']);
  });

  it('is content with a whole volume, and with what is mounted elsewhere', () => {
    expect(subPathMounts(mountinfo([volume, '/etc/config'], ['/', '/']), '/etc/config')).toEqual([]);
    const elsewhere = mountinfo(
      [`${volume}/${version}/hosts`, '/etc/hosts'],
      [`${volume}/${version}/a`, '/etc/config2'],
    );
    expect(subPathMounts(elsewhere, '/etc/config')).toEqual([]);
    expect(subPathMounts('', '/etc/config')).toEqual([]);
  });

  it('reads names with blanks', () => {
    const mounts = mountinfo([`${volume}/${version}/my\\040key`, '/etc/my\\040config']);
    expect(subPathMounts(mounts, '/etc/my config')).toEqual(['/etc/my config']);
  });
});
