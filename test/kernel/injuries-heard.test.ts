import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { table } from '../../src/backends/nft/names.ts';
import type { AgentProcess } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { Flood } from './harness/flood/flood.ts';
import { TestBed } from './harness/test-bed.ts';
import { describeRepairs, InjuredFlood, type Repair } from './injured-flood.ts';
import { blocksOf, configOfInjuries, floodOfInjuries, injuriesThat } from './nft-injuries.ts';

describeKernel('foreign changes of the nft rules, under a flood', () => {
  let bed: TestBed;
  let agent: AgentProcess;

  describe.each([10, 10_000])('with %i CIDRs', (cidrs) => {
    beforeEach(async () => {
      bed = await TestBed.create();
      await bed.config.write({ 'ip-masq-agent': configOfInjuries(cidrs) });
      // No resync comes to help.
      agent = bed.startAgent('--backend', 'nft', '--resync-interval', '1h', '--log-level', 'debug');
      await agent.waitFor(/rules applied/);
      // What happens before the agent listens is found by the look that follows.
      await bed.node.run('nft', 'flush', 'ruleset');
      await agent.waitFor(/repaired/);
    });
    afterEach(() => bed.close());

    const listing = (...options: string[]) =>
      bed.node.run('nft', ...options, '-s', 'list', 'table', ...table.split(' '));

    /** In two lots: all together the agent would take for a conflict. */
    async function sufferAll(harms: boolean): Promise<readonly Repair[]> {
      const before = blocksOf(await listing());
      const flood = await Flood.start(bed, { ...floodOfInjuries, rate: 10_000 });
      const injured = await InjuredFlood.start(flood, agent);
      const repairs: Repair[] = [];
      for (const [name, injury] of injuriesThat(harms, cidrs)) {
        const script = `${injury.script(await listing('-t'))}\n`;
        const repair = await injured.suffer(name, () => bed.node.feed(script, 'nft', '-f', '-'));
        repairs.push(repair);
        expect(repair.text, name).toMatch(/changedBy="process \d+ \(nft\)"/);
        expect(blocksOf(await listing()), name).toEqual(before);
        expect(repair, name).toMatchObject({ wrongElse: 0 });
        expect(repair.rightAfter, name).toBeGreaterThan(0);
      }
      await flood.stop();
      process.stdout.write(describeRepairs(`${cidrs} CIDRs, heard from the kernel:`, repairs));
      expect(agent.lines.filter(({ text }) => / error /.test(text))).toEqual([]);
      return repairs;
    }

    it('are repaired as they happen, and do no harm after', async () => {
      const repairs = await sufferAll(true);
      // That the flood notices anything at all is what makes the other test one.
      expect(repairs.filter(({ wrong }) => wrong > 0).length).toBeGreaterThan(repairs.length / 2);
    });

    it('are repaired without a single connection misjudged where the change itself misjudges none', async () => {
      const repairs = await sufferAll(false);
      expect(repairs.filter(({ wrong }) => wrong > 0)).toEqual([]);
    });
  });
});
