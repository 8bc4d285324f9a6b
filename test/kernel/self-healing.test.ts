import { afterEach, beforeEach, expect, it } from 'vitest';
import type { AgentProcess } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { TestBed } from './harness/test-bed.ts';

const table = 'inet ip-masq-agent';

/** Ways in which another program may hurt the rules, as nft scripts made from a listing of the table. */
const injuries: Readonly<Record<string, (listing: string) => string>> = {
  'flush ruleset': () => 'flush ruleset',
  'table deleted': () => `delete table ${table}`,
  'table flushed': () => `flush table ${table}`,
  'table made dormant': () => `add table ${table} { flags dormant; }`,
  'base chain flushed': () => `flush chain ${table} postrouting`,
  'base chain deleted': () => `delete chain ${table} postrouting`,
  'base chain that drops': () => `add chain ${table} postrouting { policy drop; }`,
  'rule added before ours': () => `insert rule ${table} postrouting accept`,
  'rules of the policy flushed': (listing) => `flush chain ${table} ${nameOf(listing, 'chain ipv4')}`,
  'rule added to the policy': (listing) => `insert rule ${table} ${nameOf(listing, 'chain ipv4')} return`,
  'element removed': (listing) =>
    `delete element ${table} ${nameOf(listing, 'set keep-destinations-ipv4')} { 10.0.0.0/8 }`,
  'element added': (listing) =>
    `add element ${table} ${nameOf(listing, 'set keep-destinations-ipv4')} { 203.0.113.0/24 }`,
  'set flushed': (listing) => `flush set ${table} ${nameOf(listing, 'set keep-destinations-ipv4')}`,
  'chain added': () => `add chain ${table} foreign { type nat hook postrouting priority 0; }`,
};

/** The full name of an object, which ends with the policy's hash. */
function nameOf(listing: string, start: string): string {
  const name = new RegExp(`^\t${start.replace(' ', ' (')}-\\w+)`, 'm').exec(listing)?.[1];
  if (name === undefined) throw new Error(`no ${start} in ${listing}`);
  return name;
}

describeKernel('foreign changes of the nft rules', () => {
  let bed: TestBed;
  let agent: AgentProcess;
  beforeEach(async () => {
    bed = await TestBed.create();
    await bed.config.write({ config: 'nonMasqueradeCIDRs: [10.0.0.0/8]\n' });
    // No resync comes to help.
    agent = bed.startAgent('--backend', 'nft', '--resync-interval', '1h', '--log-level', 'debug');
    await agent.waitFor(/rules applied/);
    // What happens before the monitor listens is found by the look that follows.
    await bed.node.run('nft', 'flush', 'ruleset');
    await agent.waitFor(/repaired/, { timeoutMs: 5_000 });
  });
  afterEach(() => bed.close());

  const listing = (): Promise<string> => bed.node.run('nft', '-s', 'list', 'table', ...table.split(' '));

  it('are repaired as they happen, to the same rules as before', async () => {
    const before = blocksOf(await listing());
    for (const [name, injure] of Object.entries(injuries)) {
      const from = agent.lines.length;
      await bed.node.feed(`${injure(await listing())}\n`, 'nft', '-f', '-');
      const line = await agent.waitFor(/repaired/, { from, timeoutMs: 5_000 });
      expect(line.text, name).toMatch(/trigger=foreign-change .*changedBy="process \d+ \(nft\)"/);
      await expect.poll(async () => blocksOf(await listing()), { timeout: 5_000, message: name }).toEqual(before);
      const verdicts = await bed.probe([
        { source: '10.244.7.2', destination: '10.1.2.3' },
        { source: '10.244.7.2', destination: '203.0.113.8' },
      ]);
      expect(
        verdicts.map(({ verdict }) => verdict),
        name,
      ).toEqual(['keep', 'masquerade']);
    }
    expect(agent.lines.filter(({ text }) => / error /.test(text))).toEqual([]);
  });

  it('do not make the agent fight without end, and it says who it fights', async () => {
    for (let attack = 0; attack < 25; attack++) {
      const from = agent.lines.length;
      await bed.node.feed(`flush chain ${table} postrouting\n`, 'nft', '-f', '-');
      const line = await agent.waitFor(/repaired|another program keeps changing/, { from, timeoutMs: 10_000 });
      if (/another program/.test(line.text)) return;
    }
    throw new Error(`no word of a fight:\n${agent.output}`);
  });

  it('are heard again after the monitor itself was killed', async () => {
    const monitors = (await bed.node.run('pgrep', '-P', String(agent.pid), '-x', 'nft')).trim().split('\n').map(Number);
    for (const pid of monitors) process.kill(pid);
    await agent.waitFor(/changes of the rules are not heard of for a moment/);
    const from = agent.lines.length;
    // The first restart comes after two seconds, and a look a second later.
    await agent.waitFor(/rules in sync.*trigger=resync/, { from, timeoutMs: 10_000 });
    await bed.node.run('nft', 'flush', 'ruleset');
    await agent.waitFor(/repaired/, { from, timeoutMs: 5_000 });
  });
});

/** The objects of the table, in whatever order they were made. */
function blocksOf(listing: string): string[] {
  return listing
    .split(/\n(?=\t\S)/)
    .map((block) => block.replaceAll(/\s+/g, ' ').trim())
    .sort();
}
