import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { families } from '../../src/net/family.ts';
import { AgentProcess } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { TestBed } from './harness/test-bed.ts';
import { flavours, natTableOf, toolOf } from './iptables-node.ts';

/** What goes wrong with all iptables tools, as the commands of a shell script, and what the agent calls it. */
const faults: readonly (readonly [name: string, script: string, code: string])[] = [
  ['fail in a way nobody expected', 'echo "oddly broken" >&2; exit 77', 'TOOL_FAILED'],
  ['say nothing', 'exit 1', 'TOOL_FAILED'],
  [
    'may not',
    'echo "can\'t initialize iptables table: Permission denied (you must be root)" >&2; exit 4',
    'CHANGE_REFUSED',
  ],
  ['run out of memory', 'echo "iptables: Memory allocation problem." >&2; exit 4', 'KERNEL_RESOURCE'],
  ['are killed', 'kill -9 $$', 'KERNEL_RESOURCE'],
  ['do nothing and call it success', 'cat >/dev/null; exit 0', 'READ_BACK_MISMATCH'],
  ['print garbage', 'cat >/dev/null; head -c 100000 /dev/urandom', 'READ_BACK_MISMATCH'],
  ['are gone', '', 'TOOL_MISSING'],
];

/** While a fault lasts, a pass comes no sooner than half of the resync period after the one before. */
const resyncMs = 1_000;
/** A pass looks at a few chains of each family, and may write three times. */
const mostRunsPerPass = 40;

describeKernel('an agent whose iptables tools', () => {
  let bed: TestBed;
  beforeEach(async () => {
    bed = await TestBed.create();
    await mkdir(join(bed.directory, 'bin'));
    await bed.config.write({ config: keeping(0) });
  });
  afterEach(() => bed.close());

  const keeping = (index: number): string => `nonMasqueradeCIDRs: [10.${index}.0.0/16]\n`;
  const runLog = (): string => join(bed.directory, 'runs');

  /** Puts other commands in the place of all tools, by their names; none: they can't be executed. */
  async function replaceTools(script: string): Promise<void> {
    for (const family of families) {
      for (const flavour of flavours) {
        for (const tool of [toolOf(flavour, family), `${toolOf(flavour, family)}-restore`]) {
          const path = join(bed.directory, 'bin', tool);
          const text = `#!/bin/sh\necho >>${runLog()}\n${script.replaceAll('TOOL', tool)}\n`;
          await writeFile(`${path}.new`, text, { mode: script === '' ? 0o644 : 0o755 });
          await rename(`${path}.new`, path);
        }
      }
    }
  }

  const mend = (): Promise<void> => replaceTools('exec /usr/sbin/TOOL "$@"');
  const runs = async (): Promise<number> => (await readFile(runLog(), 'utf8')).length;

  it.each(flavours)(
    'of flavour %s break, reports it, touches nothing, does not spin, and converges after',
    {
      timeout: 200_000,
    },
    async (flavour) => {
      await mend();
      const args = [
        '--config',
        bed.config.directory,
        `--backend=iptables-${flavour}`,
        `--resync-interval=${resyncMs}ms`,
      ];
      const PATH = `${join(bed.directory, 'bin')}:/usr/bin:/bin`;
      const agent = new AgentProcess(bed.node, [...args, '--log-level=debug'], { PATH });
      await agent.waitFor(/rules applied/);
      for (const [index, [name, script, code]] of faults.entries()) {
        const rules = (): Promise<readonly string[]> => natTableOf(bed.node, flavour, 'ipv4');
        const before = await rules();
        await replaceTools(script);
        const from = agent.lines.length;
        const startedAt = performance.now();
        const runsBefore = await runs();
        await bed.config.write({ config: keeping(index + 1) });
        // The first may be of a pass that was under way.
        await agent.waitFor(new RegExp(`error .*code=${code}`), { from });
        const failed = agent.lines.length;
        await agent.waitFor(/code=\w+ trigger=retry/, { from: failed });
        await agent.waitFor(/code=\w+ trigger=retry/, { from: agent.lines.length });
        expect(await rules(), name).toEqual(before);
        // What it may do in the time that it took, however long that was.
        const passes = 5 + (performance.now() - startedAt) / (resyncMs / 2);
        expect(agent.lines.slice(from).filter(({ text }) => /code=/.test(text)).length, name).toBeLessThan(passes);
        expect((await runs()) - runsBefore, name).toBeLessThan(passes * mostRunsPerPass);
        await mend();
        await agent.waitFor(new RegExp(`rules changed .*added="10\\.${index + 1}\\.0\\.0/16`));
        expect((await rules()).join('\n'), name).toContain(`-d 10.${index + 1}.0.0/16`);
      }
      expect(await agent.stop()).toEqual({ code: 0, signal: null });
    },
  );
});
