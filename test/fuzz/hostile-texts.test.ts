import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { hostileTexts } from './hostile-texts.ts';

const reader = fileURLToPath(new URL('read-hostile-text.ts', import.meta.url));
const run = promisify(execFile);
const outcome = z.object({ name: z.string(), told: z.number(), milliseconds: z.number(), megabytes: z.number() });

/** What a text of a size may cost; the time is that of the contract five times, since the machine may be busy. */
const bounds = [
  { mebibytes: 0.35, milliseconds: 5 * 5_000, megabytes: 350 },
  { mebibytes: 0.6, milliseconds: 5 * 5_000, megabytes: 350 },
  { mebibytes: 1, milliseconds: 5 * 5_000, megabytes: 350 },
  { mebibytes: 8, milliseconds: 5 * 20_000, megabytes: 900 },
] as const;

/** Those that cost most of their kind; `HOSTILE_TEXTS=all` tries every one in every size. */
const costly: Readonly<Record<number, readonly string[]>> = {
  // Just small enough for the budget, so that they are read.
  0.35: ['aliases', 'merges of lists', 'colons on lines'],
  0.6: ['dashes on lines', 'unquoted at signs', 'text behind quotes'],
  1: [
    'brackets',
    'JSON brackets',
    'braces',
    'question marks',
    'anchors',
    'aliases',
    'merges of a long mapping',
    'unknown keys',
    'the same key in two spellings',
    'unknown escapes',
    'commas',
    'wrong CIDRs',
    'mappings of a manifest',
    'a text of blank lines',
    'documents with values',
    'directives',
    'comments',
  ],
  8: [
    'brackets',
    'aliases',
    'one long number',
    'one folded block',
    'empty lines',
    'a manifest with blank lines',
    'mappings of a manifest',
  ],
};

const triesAll = process.env['HOSTILE_TEXTS'] === 'all';

// In a process of its own each, since V8 may end one near the limit of its stack, and for its memory to be measured.
describe.each(bounds)('a hostile text of $mebibytes MiB', ({ mebibytes, milliseconds, megabytes }) => {
  const names = triesAll ? Object.keys(hostileTexts) : (costly[mebibytes] ?? []);
  it.each(names)('costs little: %s', { timeout: milliseconds + 30_000 }, async (name) => {
    const { stdout } = await run(process.execPath, [reader, name, String(Math.floor(mebibytes * 1024 * 1024))]);
    const cost = outcome.parse(JSON.parse(stdout));
    expect(cost.name).toBe(name);
    expect(cost.megabytes).toBeLessThan(megabytes);
    expect(cost.milliseconds).toBeLessThan(milliseconds);
  });
});
