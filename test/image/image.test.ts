import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { podman } from '../container/store.ts';
import { image } from './build-image.ts';

const inspection = z.tuple([
  z.object({
    Size: z.int(),
    Config: z.object({ Labels: z.record(z.string(), z.string()), Entrypoint: z.array(z.string()), User: z.string() }),
  }),
]);

describe('the image', () => {
  let root: string;

  beforeAll(async () => {
    root = (await podman('image', 'mount', image)).trim();
  });
  afterAll(() => podman('image', 'unmount', image));

  it('holds the agent and its tools, and neither shell nor package manager', () => {
    const present = (program: string) =>
      ['usr/bin', 'usr/sbin', 'usr/local/bin', 'bin'].some((directory) => existsSync(join(root, directory, program)));
    expect(['ip-masq-agent', 'nft', 'iptables-nft', 'ip6tables-legacy-restore'].filter(present)).toHaveLength(4);
    expect(['sh', 'bash', 'dash', 'npm', 'npx', 'node', 'apt-get', 'dpkg'].filter(present)).toEqual([]);
  });

  it('brings the licences of what it holds', () => {
    const documentation = join(root, 'usr/share/doc');
    for (const licence of ['ip-masq-agent/third-party-licenses', 'nftables/copyright', 'iptables/copyright']) {
      expect(existsSync(join(documentation, licence)), licence).toBe(true);
    }
  });

  it('says what it is, and is small', async () => {
    const [{ Config, Size }] = inspection.parse(JSON.parse(await podman('image', 'inspect', image)));
    expect(Config.Labels).toMatchObject({
      'org.opencontainers.image.title': 'ip-masq-agent',
      'org.opencontainers.image.version': '9.9.9-test',
      'org.opencontainers.image.revision': '0123456789abcdef',
    });
    expect(Size / 1e6).toBeLessThan(140);
  });
});
