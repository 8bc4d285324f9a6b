import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { complaintsOf, readText } from './read-text.ts';

const folder = fileURLToPath(new URL('../../fixtures/config/mistakes', import.meta.url));
const names = readdirSync(folder).filter((name) => !name.endsWith('.told'));

describe('what validate tells of mistakes', () => {
  it.each(names)('%s', async (name) => {
    const complaints = complaintsOf(readText(readFileSync(join(folder, name))));
    await expect(`${complaints.join('\n')}\n`).toMatchFileSnapshot(join(folder, `${name}.told`));
  });

  it('is all of it, at the right lines', () => {
    const complaints = complaintsOf(readText(readFileSync(join(folder, 'three-mistakes-two-typos.yaml'))));
    expect(complaints.map((complaint) => complaint.split(':').slice(0, 3).join(':'))).toEqual(
      ['error: a:4', 'error: a:5', 'error: a:9', 'warning: a:6', 'warning: a:8'].map((place) =>
        expect.stringContaining(place),
      ),
    );
  });

  it('holds nothing that a terminal would obey', () => {
    const complaints = complaintsOf(readText('nonMasqueradeCIDRs: ["\u001b[2J\u007f\u009b2J\u0085\u2028"]'));
    expect(complaints).toEqual([expect.stringContaining(String.raw`\u001b[2J\u007f\u009b2J\u0085\u2028`)]);
  });

  it('tells of a text that is nothing but an alias of nothing', () => {
    expect(complaintsOf(readText('*a'))).toEqual([
      'error: a:1:1: *a: nothing above is named &a (expected quotes around a text that starts with *)',
    ]);
  });

  it('does not say what a broken text sets', () => {
    const complaints = complaintsOf(readText('apiVersion: v1\ndata:\n  config: "x\nkind: ConfigMap\n'));
    expect(complaints.some((complaint) => complaint.includes('NOTHING HERE'))).toBe(false);
    expect(complaints[0]).toMatch(/^error: a:3:11: "x: the quoted text never ends/);
  });

  it('is short, however much is wrong', () => {
    const reading = readText(`nonMasqueradeCIDRs: [${'x, '.repeat(100_000)}]`);
    expect(reading.ok ? 0 : reading.problems.length).toBe(201);
    expect(complaintsOf(reading).at(-1)).toBe('error: a: further problems');
    const long = complaintsOf(readText(`nonMasqueradeCIDRs: ["${'x'.repeat(1_000_000)}"]\n${'y'.repeat(1_000)}: 1\n`));
    for (const complaint of long) expect(complaint.length).toBeLessThan(1000);
  });
});
