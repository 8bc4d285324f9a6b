import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createConnectionCounters } from '../../../../src/backends/nft/counters.ts';
import type { Outcome } from '../../../../src/system/run.ts';
import { fakeRunner } from '../../../fakes/runner.ts';

/** What `nft -t list table` of nft 1.0.6 and 1.1.3 prints. */
function listing(counts: Readonly<Record<string, number>>): Partial<Outcome> {
  const counters = Object.entries(counts).map(
    ([name, packets]) => `\tcounter ${name} {\n\t\tpackets ${packets} bytes ${packets * 84}\n\t}\n`,
  );
  return { stdout: `table inet ip-masq-agent {\n${counters.join('')}}\n` };
}

const absent: Partial<Outcome> = { exitCode: 1, stderr: 'Error: No such file or directory\n' };

function countersThatRead(...outcomes: Partial<Outcome>[]) {
  const args = ['-t', 'list', 'table', 'inet', 'ip-masq-agent'];
  const runner = fakeRunner(outcomes.map((outcome) => ({ tool: 'nft', args, outcome })));
  return { counters: createConnectionCounters({ runner }), runner };
}

describe('createConnectionCounters', () => {
  it('reads packets as connections', async () => {
    const { counters } = countersThatRead(
      listing({ 'kept-ipv4': 1, 'kept-ipv6': 2, 'masqueraded-ipv4': 3, 'masqueraded-ipv6': 4, foreign: 9 }),
    );
    expect(await counters.read()).toEqual({ masquerade: { ipv4: 3, ipv6: 4 }, keep: { ipv4: 1, ipv6: 2 } });
  });

  it('reads a table that is not there as zeros', async () => {
    const { counters } = countersThatRead(absent);
    expect(await counters.read()).toEqual({ masquerade: { ipv4: 0, ipv6: 0 }, keep: { ipv4: 0, ipv6: 0 } });
  });

  it('goes on counting over a deletion of the table, each counter by itself', async () => {
    const { counters } = countersThatRead(
      listing({ 'kept-ipv4': 50, 'masqueraded-ipv4': 100 }),
      absent,
      listing({ 'kept-ipv4': 7, 'masqueraded-ipv4': 0 }),
      listing({ 'kept-ipv4': 8, 'masqueraded-ipv4': 2 }),
    );
    const seen: number[][] = [];
    for (let scrape = 0; scrape < 4; scrape++) {
      const { keep, masquerade } = await counters.read();
      seen.push([keep.ipv4, masquerade.ipv4]);
    }
    expect(seen).toEqual([
      [50, 100],
      [50, 100],
      [57, 100],
      [58, 102],
    ]);
  });

  it('never goes down, and counts all that the kernel was seen to count', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(fc.nat(), { nil: undefined }), { maxLength: 20 }), async (counts) => {
        const { counters } = countersThatRead(
          ...counts.map((count) => (count === undefined ? absent : listing({ 'kept-ipv4': count }))),
        );
        let total = 0;
        let last = 0;
        for (const count of counts.map((value) => value ?? 0)) {
          total += count < last ? count : count - last;
          last = count;
          expect((await counters.read()).keep.ipv4).toBe(total);
        }
      }),
    );
  });

  it('shares one run of nft among reads that come together', async () => {
    const { counters, runner } = countersThatRead(listing({ 'kept-ipv4': 5 }), listing({ 'kept-ipv4': 6 }));
    const [one, other] = await Promise.all([counters.read(), counters.read()]);
    expect([one.keep.ipv4, other.keep.ipv4]).toEqual([5, 5]);
    expect((await counters.read()).keep.ipv4).toBe(6);
    runner.assertDone();
  });

  it('rejects what it can not read, and reads again after that', async () => {
    const { counters } = countersThatRead(
      { exitCode: 1, stderr: 'Error: Could not process rule: Operation not permitted\n' },
      { stdout: 'table inet ip-masq-agent {\n\tcounter kept-ipv4 {\n\t\tfrogs 3\n\t}\n}\n' },
      listing({ 'kept-ipv4': 5 }),
    );
    await expect(counters.read()).rejects.toMatchObject({ code: 'NO_PERMISSION' });
    await expect(counters.read()).rejects.toMatchObject({ code: 'TOOL_FAILED', message: /frogs 3/ });
    expect((await counters.read()).keep.ipv4).toBe(5);
  });
});
