import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { systemRunner } from '../../src/system/run.ts';
import { tool } from '../container/tool.ts';
import { root } from '../deploy/manifests.ts';
import { arm64Node, emulator } from './arm64-tools.ts';

const { version } = z.object({ version: z.string() }).parse(JSON.parse(await readFile(`${root}package.json`, 'utf8')));

/** The number of the processor in an ELF header (elf.h). */
const aarch64 = 183;

// On arm64 itself the other tests are of that executable.
describe.runIf(process.arch === 'x64')('the executable for arm64, made and run under qemu', () => {
  let directory: string;
  let executable: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'arm64-'));
    for (const part of ['scripts', 'src', 'package.json', 'package-lock.json']) {
      await cp(`${root}${part}`, join(directory, part), { recursive: true });
    }
    await symlink(`${root}node_modules`, join(directory, 'node_modules'));
    // That of this machine knows its own processor only; without it the file is larger, nothing else.
    const strip = join(directory, 'strip');
    await writeFile(strip, '#!/bin/sh\ntest "$1" = -o && cp "$3" "$2"\n', { mode: 0o755 });
    const settings = [`PACKAGE_NODE=${arm64Node}`, `STRIP=${strip}`, `EMULATOR=${emulator.join(' ')}`];
    await tool('env', ...settings, 'sh', join(directory, 'scripts/package-executable.sh'));
    executable = join(directory, 'build/ip-masq-agent');
  }, 600_000);
  afterAll(() => rm(directory, { recursive: true }));

  async function run(...args: string[]): Promise<string> {
    const [program, ...options] = emulator;
    const { exitCode, stdout, stderr } = await systemRunner.run({
      tool: program,
      args: [...options, executable, ...args],
    });
    return exitCode === 0 ? stdout : `exit code ${exitCode}: ${stderr}`;
  }

  it('is one for that processor', async () => {
    expect((await readFile(executable)).readUInt16LE(18)).toBe(aarch64);
    expect(await run('version')).toBe(`ip-masq-agent ${version}\n`);
  });

  it('reads, judges and renders as that of this machine does', async () => {
    await mkdir(join(directory, 'config'));
    const networks = Array.from({ length: 1_000 }, (_, index) => `20.${index >> 8}.${index & 255}.0/25`);
    const config = join(directory, 'config/ip-masq-agent');
    await writeFile(config, `cidrLimit: 2000\nnonMasqueradeCIDRs: [${networks.join(', ')}, "fd00::/8"]\n`);
    for (const args of [
      ['render', '--backend=nft'],
      ['render', '--backend=iptables-legacy'],
      ['explain', '--src=10.244.7.2', '--dst=20.3.7.9'],
      ['validate', '--output=json'],
    ]) {
      const line = [...args, `--config=${config}`, '--enable-ipv6'];
      expect(await run(...line), args.join(' ')).toBe(await tool(process.execPath, `${root}src/main.ts`, ...line));
    }
  });
});
