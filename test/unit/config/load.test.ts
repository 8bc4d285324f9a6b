import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createConfigReader, loadConfig } from '../../../src/config/load.ts';
import { complaintsOf, defaultOptions, effectiveOf } from './read-text.ts';
import { ConfigMapVolume, temporaryDirectory } from './volume.ts';

const keepsTen = 'nonMasqueradeCIDRs: [10.0.0.0/8]\n';
const keepsEleven = 'nonMasqueradeCIDRs: [11.0.0.0/8]\n';

function keptBy(reading: Parameters<typeof effectiveOf>[0]): unknown {
  return effectiveOf(reading)?.['nonMasqueradeCIDRs'];
}

describe('loadConfig', () => {
  it('takes the defaults where there is nothing', async () => {
    using directory = temporaryDirectory();
    const { path } = directory;
    for (const absent of [path, join(path, 'ip-masq-agent'), join(path, 'no', 'such', 'directory')]) {
      const reading = await loadConfig(absent, defaultOptions);
      expect(reading).toMatchObject({ ok: true, files: [], warnings: [] });
      expect(keptBy(reading)).toEqual(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']);
    }
  });

  it('reads a file by any name', async () => {
    using directory = temporaryDirectory();
    const file = join(directory.path, 'x.bak');
    writeFileSync(file, keepsTen);
    const reading = await loadConfig(file, defaultOptions);
    expect(reading.files).toEqual([file]);
    expect(reading.ok && reading.config.nonMasqueradeCIDRs[0]?.source).toEqual({ file, line: 1, column: 22 });
  });

  it('merges the files of a directory whose names begin with ip-masq, by name, without backup copies', async () => {
    using directory = temporaryDirectory();
    const { path } = directory;
    writeFileSync(join(path, 'ip-masq-b'), keepsEleven);
    writeFileSync(join(path, 'ip-masq-agent'), keepsTen);
    writeFileSync(join(path, 'config'), 'not read');
    for (const copy of [
      'ip-masq-agent~',
      'ip-masq-agent.bak',
      'ip-masq-agent.orig',
      'ip-masq-agent.swp',
      '.ip-masq-agent.swp',
    ]) {
      writeFileSync(join(path, copy), 'not read');
    }
    const reading = await loadConfig(path, defaultOptions);
    expect(reading.files).toEqual([join(path, 'ip-masq-agent'), join(path, 'ip-masq-b')]);
    expect(keptBy(reading)).toEqual(['10.0.0.0/8', '11.0.0.0/8']);
    expect(reading.warnings.map(({ file }) => file)).toEqual(
      ['ip-masq-agent.bak', 'ip-masq-agent.orig', 'ip-masq-agent.swp', 'ip-masq-agent~'].map((name) =>
        join(path, name),
      ),
    );
  });

  it('falls back to the file config, with a warning', async () => {
    using directory = temporaryDirectory();
    const file = join(directory.path, 'config');
    writeFileSync(file, keepsTen);
    const reading = await loadConfig(directory.path, defaultOptions);
    expect(reading.files).toEqual([file]);
    expect(complaintsOf(reading)).toEqual([`warning: ${file}: read, since no file here is named ip-masq*`]);
  });

  it('warns of a directory whose files it does not know', async () => {
    using directory = temporaryDirectory();
    writeFileSync(join(directory.path, 'ipmasq.yaml'), keepsTen);
    const reading = await loadConfig(directory.path, defaultOptions);
    expect(reading.files).toEqual([]);
    expect(complaintsOf(reading)).toEqual([
      `warning: ${directory.path}: ipmasq.yaml: no file here is named ip-masq* or config: defaults apply`,
    ]);
  });

  it.each([
    ['a directory named as a file', (path: string) => mkdirSync(path), 'not a file that holds a config'],
    ['a FIFO', (path: string) => execFileSync('mkfifo', [path]), 'not a file that holds a config'],
    ['a device', (path: string) => symlinkSync('/dev/zero', path), 'not a file that holds a config'],
    ['a link to nothing', (path: string) => symlinkSync('nowhere', path), "can't be read: a link to nothing (ENOENT)"],
    [
      'links in a circle',
      (path: string) => symlinkSync('ip-masq-agent', path),
      "can't be read: links that lead in a circle (ELOOP)",
    ],
    [
      'a file that is too large',
      (path: string) => writeFileSync(path, Buffer.alloc(8 * 1024 * 1024 + 1, 0x20)),
      'larger than 8 MiB',
    ],
  ])('tells of %s', async (_, make, message) => {
    using directory = temporaryDirectory();
    const path = join(directory.path, 'ip-masq-agent');
    make(path);
    writeFileSync(join(directory.path, 'ip-masq-b'), 'masqLinkLocal: 1\n');
    const reading = await loadConfig(directory.path, defaultOptions);
    expect(complaintsOf(reading)[0]).toContain(`error: ${path}: ${message}`);
    expect(complaintsOf(reading)[1]).toContain(`error: ${join(directory.path, 'ip-masq-b')}:1:16: 1: not a value`);
  });

  it('tells of a path through a file', async () => {
    using directory = temporaryDirectory();
    writeFileSync(join(directory.path, 'file'), '');
    const path = join(directory.path, 'file', 'ip-masq-agent');
    expect(complaintsOf(await loadConfig(path, defaultOptions))[0]).toContain(
      `${path}: can't be read: a part of the path`,
    );
  });

  it('takes a file of 8 MiB', async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, 'ip-masq-agent');
    writeFileSync(path, Buffer.alloc(8 * 1024 * 1024, '#'));
    expect((await loadConfig(path, defaultOptions)).ok).toBe(true);
  });
});

describe('files together', () => {
  it('may be 8 MiB', async () => {
    using directory = temporaryDirectory();
    const paths = ['ip-masq-a', 'ip-masq-b', 'ip-masq-c'].map((name) => join(directory.path, name));
    for (const path of paths) writeFileSync(path, Buffer.alloc(3 * 1024 * 1024, '#'));
    const reading = await loadConfig(directory.path, defaultOptions);
    expect(reading.ok).toBe(false);
    expect(complaintsOf(reading)).toEqual([
      `error: ${paths[2]}: larger than 8 MiB, together with the files before it (expected fewer and larger networks)`,
    ]);
  });

  it('share one budget of values', async () => {
    using directory = temporaryDirectory();
    for (let index = 0; index < 4; index += 1) {
      writeFileSync(join(directory.path, `ip-masq-${index}`), `x: [${'1,'.repeat(60_000)}]\n`);
    }
    const reading = await loadConfig(directory.path, defaultOptions);
    expect(reading.ok).toBe(false);
    expect(complaintsOf(reading)[0]).toMatch(/ip-masq-2:1:\d+: .*too many values/);
  });
});

describe('a file name', () => {
  it('that a terminal would obey is shown escaped', async () => {
    using directory = temporaryDirectory();
    writeFileSync(join(directory.path, 'ip-masq-\u001b[2J\n\u202e'), 'masqLinkLocal: 1\n');
    const [complaint] = complaintsOf(await loadConfig(directory.path, defaultOptions));
    expect(complaint).toContain(String.raw`/ip-masq-\u001b[2J\n\u202e:1:16: 1: not a value`);
  });

  it('that is no UTF-8 is read, with the odd bytes shown', async () => {
    using directory = temporaryDirectory();
    const name = Buffer.concat([Buffer.from(`${directory.path}/ip-masq-caf`), Buffer.from([0xe9])]);
    writeFileSync(name, keepsTen);
    const reader = createConfigReader(directory.path, defaultOptions);
    const reading = await reader.read();
    expect(keptBy(reading)).toEqual(['10.0.0.0/8']);
    expect(reading.files).toEqual([join(directory.path, String.raw`ip-masq-caf\xe9`)]);
    writeFileSync(name, keepsEleven);
    expect(keptBy(await reader.read())).toEqual(['11.0.0.0/8']);
  });
});

describe('a config reader', () => {
  it('gives the same object while nothing changed, however the files were touched', async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, 'ip-masq-agent');
    writeFileSync(path, keepsTen);
    const reader = createConfigReader(path, defaultOptions);
    const first = await reader.read();
    expect(await reader.read()).toBe(first);
    writeFileSync(path, keepsTen);
    expect(await reader.read()).toBe(first);
    utimesSync(path, 1, 1);
    expect(await reader.read()).toBe(first);
    appendFileSync(path, '# comment\n');
    const changed = await reader.read();
    expect(changed).not.toBe(first);
    expect(changed.digest).not.toBe(first.digest);
    writeFileSync(path, keepsEleven);
    expect(keptBy(await reader.read())).toEqual(['11.0.0.0/8']);
  });

  it('sees a change to a file that has long been the same', async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, 'ip-masq-agent');
    writeFileSync(path, keepsTen);
    await sleep(2100);
    const reader = createConfigReader(path, defaultOptions);
    const first = await reader.read();
    expect(await reader.read()).toBe(first);
    writeFileSync(path, keepsEleven);
    expect(keptBy(await reader.read())).toEqual(['11.0.0.0/8']);
    writeFileSync(path, keepsTen);
    expect(keptBy(await reader.read())).toEqual(['10.0.0.0/8']);
  });

  it('tells different options and different names apart by their digests', async () => {
    using directory = temporaryDirectory();
    const [a, b] = [join(directory.path, 'a'), join(directory.path, 'b')];
    writeFileSync(a, keepsTen);
    writeFileSync(b, keepsTen);
    const readings = await Promise.all([
      loadConfig(a, defaultOptions),
      loadConfig(b, defaultOptions),
      loadConfig(a, { ...defaultOptions, enableIPv6: true }),
      loadConfig(a, { ...defaultOptions, nomasqAllReservedRanges: true }),
    ]);
    expect(new Set(readings.map(({ digest }) => digest)).size).toBe(4);
    expect((await loadConfig(a, defaultOptions)).digest).toBe(readings[0]?.digest);
  });

  it('follows the swap of a ConfigMap volume', async () => {
    using directory = temporaryDirectory();
    const volume = new ConfigMapVolume(directory.path);
    volume.swapTo(volume.write({ 'ip-masq-agent': keepsTen }));
    volume.link('ip-masq-agent');
    const reader = createConfigReader(directory.path, defaultOptions);
    expect(keptBy(await reader.read())).toEqual(['10.0.0.0/8']);
    volume.swapTo(volume.write({ 'ip-masq-agent': keepsEleven, 'ip-masq-more': keepsTen }));
    expect(keptBy(await reader.read())).toEqual(['11.0.0.0/8']);
    volume.link('ip-masq-more');
    expect(keptBy(await reader.read())).toEqual(['11.0.0.0/8', '10.0.0.0/8']);
  });

  it('waits for a key whose link is there before its target', async () => {
    using directory = temporaryDirectory();
    const volume = new ConfigMapVolume(directory.path);
    volume.link('ip-masq-agent');
    const generation = volume.write({ 'ip-masq-agent': keepsTen });
    setTimeout(() => volume.swapTo(generation), 60);
    expect(keptBy(await loadConfig(directory.path, defaultOptions))).toEqual(['10.0.0.0/8']);
    expect(keptBy(await loadConfig(join(directory.path, 'ip-masq-agent'), defaultOptions))).toEqual(['10.0.0.0/8']);
  });

  it.each([
    ['gone', (path: string) => rmSync(path)],
    ['empty', (path: string) => writeFileSync(path, '')],
  ])('does not take a file that is %s for an instant for the defaults', async (_, spoil) => {
    using directory = temporaryDirectory();
    const path = join(directory.path, 'ip-masq-agent');
    writeFileSync(path, keepsTen);
    const reader = createConfigReader(directory.path, defaultOptions);
    await reader.read();
    spoil(path);
    setTimeout(() => {
      writeFileSync(`${path}.new`, keepsEleven);
      renameSync(`${path}.new`, path);
    }, 60);
    expect(keptBy(await reader.read())).toEqual(['11.0.0.0/8']);
  });

  it('takes a file that stays away for gone, and sees it come back', async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, 'ip-masq-agent');
    const reader = createConfigReader(directory.path, defaultOptions);
    expect(keptBy(await reader.read())).toHaveLength(3);
    writeFileSync(path, keepsTen);
    expect(keptBy(await reader.read())).toEqual(['10.0.0.0/8']);
    rmSync(path);
    expect(keptBy(await reader.read())).toHaveLength(3);
    writeFileSync(path, keepsEleven);
    expect(keptBy(await reader.read())).toEqual(['11.0.0.0/8']);
  });

  it('never mixes two generations', async () => {
    using directory = temporaryDirectory();
    const volume = new ConfigMapVolume(directory.path);
    const names = ['a', 'b', 'c', 'd'].map((letter) => `ip-masq-${letter}`);
    const generations = Array.from({ length: 8 }, (_, octet) =>
      volume.write(Object.fromEntries(names.map((name) => [name, `nonMasqueradeCIDRs: [${octet}.0.0.0/8]\n`]))),
    );
    volume.swapTo(generations[0] ?? '');
    for (const name of names) volume.link(name);
    const reader = createConfigReader(directory.path, defaultOptions);
    let swaps = 0;
    const swapping = setInterval(() => {
      swaps += 1;
      volume.swapTo(generations[swaps % generations.length] ?? '');
    }, 1);
    try {
      for (let round = 0; round < 50; round += 1) {
        const reading = await reader.read();
        expect(reading.ok && new Set(reading.config.nonMasqueradeCIDRs.map(({ value }) => value.text)).size).toBe(1);
        expect(reading.files).toHaveLength(4);
      }
      expect(swaps).toBeGreaterThan(10);
    } finally {
      clearInterval(swapping);
    }
  });
});
