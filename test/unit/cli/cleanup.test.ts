import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let directory: string;
let children: ChildProcess[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cleanup-'));
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});

/** Starts Node where no tools are but those of the test's own directory. */
function start(...args: string[]) {
  const child = spawn(process.execPath, args, { env: { PATH: directory }, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  return child;
}

/** A tool that finds nothing to remove, and fails for as long as the file `broken` is there. */
function putNft(): void {
  const path = join(directory, 'nft');
  writeFileSync(
    path,
    `#!/bin/sh\n[ ! -e ${directory}/broken ] || { echo 'Error: it is broken' >&2; exit 1; }\necho 'Error: No such file or directory' >&2; exit 1\n`,
  );
  chmodSync(path, 0o755);
}

/** Starts `cleanup --stay` and gives where it serves its health. */
async function stay(...options: string[]) {
  const child = start(...options, 'src/main.ts', 'cleanup', '--stay', '--healthz-bind-address=127.0.0.1:0');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const { value } = await lines.next();
  const address = /at (127\.0\.0\.1:\d+)$/.exec(String(value))?.[1];
  const ask = async (path: string) => {
    const answer = await fetch(`http://${address}${path}`);
    return { status: answer.status, body: await answer.text() };
  };
  return { child, lines, ask };
}

describe('cleanup --stay', () => {
  it('tries until the node is clean, is ready then, and ends with SIGTERM', { timeout: 30_000 }, async () => {
    writeFileSync(join(directory, 'broken'), '');
    putNft();
    const { child, lines, ask } = await stay();
    const complaints = createInterface({ input: child.stderr })[Symbol.asyncIterator]();
    expect((await complaints.next()).value).toContain('it is broken');
    expect(await ask('/readyz')).toEqual({ status: 503, body: expect.stringContaining('it is broken') });
    expect(await ask('/livez')).toEqual({ status: 200, body: 'ok\n' });
    rmSync(join(directory, 'broken'));
    expect((await lines.next()).value).toBe('the node is clean; waiting for SIGTERM');
    expect(await ask('/readyz')).toEqual({ status: 200, body: 'ok\n' });
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it.each([[[]], [['--disable-sigusr1']]])('opens no debugger on SIGUSR1, with the options %j', async (options) => {
    putNft();
    const { child, lines, ask } = await stay(...options);
    expect((await lines.next()).value).toBe('the node is clean; waiting for SIGTERM');
    child.kill('SIGUSR1');
    for (let request = 0; request < 20; request++) await ask('/livez');
    child.kill('SIGTERM');
    expect(await text(child.stderr)).not.toMatch(/debugger|inspector/i);
  });
});

describe('cleanup', () => {
  it('warns of an agent that will put its rules back', async () => {
    putNft();
    const script = join(directory, 'ip-masq-agent.js');
    writeFileSync(script, 'console.log(process.pid); setInterval(() => {}, 1e6);\n');
    const agent = start(script, 'run', '--masq-chain=OTHER');
    await once(agent.stdout, 'data');
    const stderr = await text(start('src/main.ts', 'cleanup').stderr);
    expect(stderr).toContain(`pid ${agent.pid}: ip-masq-agent run --masq-chain=OTHER\n`);
  });
});
