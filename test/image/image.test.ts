import { existsSync } from 'node:fs';
import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { bundledPackages } from '../../scripts/bundled-packages.ts';
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
    const tools = ['ip-masq-agent', 'nft', 'iptables-nft', 'ip6tables-legacy-restore', 'conntrack'];
    expect(tools.filter(present)).toEqual(tools);
    expect(['sh', 'bash', 'dash', 'npm', 'npx', 'node', 'apt-get', 'dpkg'].filter(present)).toEqual([]);
  });

  it('brings the licences of what it holds', () => {
    const documentation = join(root, 'usr/share/doc');
    for (const licence of ['ip-masq-agent/third-party-licenses', 'nftables/copyright', 'iptables/copyright']) {
      expect(existsSync(join(documentation, licence)), licence).toBe(true);
    }
  });

  it('has the name by which Baidu starts its agent', async () => {
    expect(await realpath(join(root, 'usr/bin/cce-ip-masq-agent'))).toBe(join(root, 'usr/bin/ip-masq-agent'));
    expect(await readlink(join(root, 'bin'))).toBe('usr/bin');
  });

  it('tells scanners the release and the packages of Debian in it', async () => {
    const release = await readFile(join(root, 'etc/os-release'), 'utf8');
    expect(release).toMatch(/^ID=debian$/m);
    expect(release).toMatch(/^VERSION_ID="13"$/m);
    const directory = join(root, 'var/lib/dpkg/status.d');
    const records = new Map<string, string>();
    for (const file of await readdir(directory)) {
      const text = await readFile(join(directory, file), 'utf8');
      const fields = new Map([...text.matchAll(/^(\S+): (.*)$/gm)].map(([, name = '', value = '']) => [name, value]));
      expect(fields.get('Package'), 'one record a package').toBe(file);
      expect(fields.get('Status')).toBe('install ok installed');
      records.set(file, fields.get('Version') ?? '');
    }
    for (const name of ['nftables', 'libnftables1', 'iptables', 'conntrack', 'libc6', 'libstdc++6']) {
      expect(records.get(name), name).toMatch(/\d/);
    }
  });

  it('tells them what the executable is made of', async () => {
    const text = await readFile(join(root, 'usr/share/sbom/ip-masq-agent.cdx.json'), 'utf8');
    const { components } = z
      .object({ components: z.array(z.object({ name: z.string(), version: z.string() })) })
      .parse(JSON.parse(text));
    const found = new Set(components.map(({ name, version }) => `${name}@${version}`));
    expect(found).toContain(`node@${process.versions.node}`);
    for (const { name, version } of bundledPackages()) expect(found).toContain(`${name}@${version}`);
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
