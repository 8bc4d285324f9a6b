import { describe, expect, it } from 'vitest';
import { createNftBackend } from '../../../../src/backends/nft/backend.ts';
import { type DesiredTable, desiredTable, withSpareNames } from '../../../../src/backends/nft/desired.ts';
import { ActualTable } from '../../../../src/backends/nft/listing.ts';
import { renderFill, renderSwitch, renderTable } from '../../../../src/backends/nft/render.ts';
import { AgentError } from '../../../../src/errors.ts';
import type { Runner } from '../../../../src/system/run.ts';
import { policyWith } from '../../../builders/policy.ts';
import { type ExpectedCommand, fakeRunner } from '../../../fakes/runner.ts';

const policy = policyWith({
  ipv4: { keepDestinations: ['10.0.0.0/8'], keepSources: ['10.9.0.0/16'] },
  ipv6: { keepDestinations: ['fd00::/8'] },
});
const desired = desiredTable(policy);
const olderPolicy = policyWith({ ipv4: { keepDestinations: ['192.168.0.0/16'] }, ipv6: {} });
const older = desiredTable(olderPolicy);
const [keepSources, keepDestinations, keepIpv6] = desired.sets;

const tableArgs = ['-s', 'list', 'table', 'inet', 'ip-masq-agent'];
const raced = { exitCode: 1, stderr: 'Error: Could not process rule: No such file or directory\n' };
const absent = { exitCode: 1, stderr: 'Error: No such file or directory\n' };

function terseList(stdout: string): ExpectedCommand {
  return { tool: 'nft', args: ['-t', ...tableArgs], outcome: { stdout } };
}

function fullList(stdout: string): ExpectedCommand {
  return { tool: 'nft', args: tableArgs, outcome: { stdout } };
}

function write(input: string): ExpectedCommand {
  return { tool: 'nft', args: ['-f', '-'], input };
}

/** A table as a terse listing shows it. */
function withoutElements(table: string): string {
  return table.replaceAll(/\t\telements = \{[^}]*\}\n/g, '');
}

function terseTable(table: DesiredTable): string {
  return withoutElements(renderTable(table));
}

async function applyWith(...commands: ExpectedCommand[]): Promise<void> {
  const runner = fakeRunner(commands);
  await createNftBackend({ runner }).apply(policy);
  runner.assertDone();
}

/** The names of objects, in their order. */
function namesOf(objects: readonly { readonly name: string }[]): string[] {
  return objects.map(({ name }) => name);
}

/** The commands that remove chains and sets that nothing refers to. */
function removal({ chains, sets }: Pick<DesiredTable, 'chains' | 'sets'>): string {
  return [
    ...namesOf(chains).map((name) => `flush chain inet ip-masq-agent ${name}\n`),
    ...namesOf(chains).map((name) => `delete chain inet ip-masq-agent ${name}\n`),
    ...namesOf(sets).map((name) => `delete set inet ip-masq-agent ${name}\n`),
  ].join('');
}

describe('apply', () => {
  it('fills, then switches, on a host without the table', async () => {
    await applyWith(
      { tool: 'nft', args: ['-t', ...tableArgs], outcome: absent },
      write(renderFill(desired)),
      write(renderSwitch(desired)),
      fullList(renderTable(desired)),
    );
  });

  it('does not list again what an observation has just listed', async () => {
    const runner = fakeRunner([
      { tool: 'nft', args: ['-t', ...tableArgs], outcome: absent },
      write(renderFill(desired)),
      write(renderSwitch(desired)),
      fullList(renderTable(desired)),
    ]);
    const backend = createNftBackend({ runner });
    await backend.apply(policy, undefined, await backend.observe(policy));
    runner.assertDone();
  });

  it('does not list what it has read back before, and notices where that was changed', async () => {
    const runner = fakeRunner([
      { tool: 'nft', args: ['-t', ...tableArgs], outcome: absent },
      write(renderFill(older)),
      write(renderSwitch(older)),
      fullList(renderTable(older)),
      write(renderFill(desired)),
      { ...write(renderSwitch(desired) + removal(older)), outcome: raced },
      write(renderSwitch(desired)),
      { ...write(removal(older)), outcome: raced },
      fullList(renderTable(desired)),
      fullList(renderTable(desired)),
    ]);
    const backend = createNftBackend({ runner });
    await backend.apply(olderPolicy);
    await backend.apply(policy);
    runner.assertDone();
  });

  it('sweeps the old policy in the transaction of the switch', async () => {
    await applyWith(
      terseList(terseTable(older)),
      write(renderFill(desired)),
      write(renderSwitch(desired) + removal(older)),
      fullList(renderTable(desired)),
    );
  });

  it('switches without the sweep where that fails, and tells what failed once it is not a race', async () => {
    const inUse = { exitCode: 1, stderr: 'Error: Could not process rule: Device or resource busy\n' };
    const commands = [
      terseList(terseTable(older)),
      write(renderFill(desired)),
      { ...write(renderSwitch(desired) + removal(older)), outcome: inUse },
      write(renderSwitch(desired)),
      { ...write(removal(older)), outcome: inUse },
      fullList(renderTable({ ...desired, sets: [...desired.sets, ...older.sets] })),
      { ...write(removal({ sets: older.sets, chains: [] })), outcome: inUse },
    ];
    await expect(applyWith(...commands)).rejects.toMatchObject({ code: 'RULESET_RACED' });
  });

  it('uses the set of a list that did not change as it is', async () => {
    const before = desiredTable(policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'] }, ipv6: {} }));
    expect(namesOf(before.sets)).toEqual([keepDestinations?.name]);
    await applyWith(
      terseList(terseTable(before)),
      write(renderFill({ sets: [keepSources, keepIpv6].filter((set) => set !== undefined), chains: desired.chains })),
      write(renderSwitch(desired) + removal({ chains: before.chains, sets: [] })),
      fullList(renderTable(desired)),
    );
  });

  it('removes what an interrupted run left under the same names, in the transaction that fills it', async () => {
    const interrupted = renderFill(desired).replace('oifname "lo" return', 'return');
    await applyWith(
      terseList(withoutElements(interrupted)),
      write(removal({ chains: desired.chains, sets: [] }) + renderFill({ sets: [], chains: desired.chains })),
      write(renderSwitch(desired)),
      fullList(renderTable(desired)),
    );
  });

  it('goes on where an interrupted run ended', async () => {
    await applyWith(
      terseList(withoutElements(renderFill(desired))),
      write(renderSwitch(desired)),
      fullList(renderTable(desired)),
    );
  });

  it('goes over a spare chain where the live one is damaged, and does not fill the sets again', async () => {
    const damaged = terseTable(desired).replace('oifname "lo" return', 'return');
    const [chain = ''] = namesOf(desired.chains);
    const spare = withSpareNames(desired, (key) => key === `chain ${chain}`, new Set([chain]));
    await applyWith(
      terseList(damaged),
      write(renderFill({ sets: [], chains: spare.chains })),
      write(renderSwitch(spare) + removal({ chains: desired.chains, sets: [] })),
      terseList(terseTable(spare)),
      write(renderFill({ sets: [], chains: desired.chains })),
      write(renderSwitch(desired) + removal({ chains: spare.chains, sets: [] })),
      fullList(renderTable(desired)),
    );
  });

  it('goes over a spare set where a live one lacks an element', async () => {
    const damaged = renderTable(desired).replace('10.0.0.0/8', '10.0.0.0/9');
    const name = keepDestinations?.name ?? '';
    const spare = withSpareNames(desired, (key) => key === `set ${name}`, new Set([name]));
    expect(namesOf(spare.sets)).toEqual([keepSources?.name, `${name}-spare`, keepIpv6?.name]);
    const onlyThat = (table: DesiredTable) => ({ sets: table.sets.slice(1, 2), chains: [] });
    await applyWith(
      terseList(withoutElements(damaged)),
      fullList(damaged),
      write(renderFill(onlyThat(spare))),
      write(renderSwitch(spare) + removal(onlyThat(desired))),
      terseList(terseTable(spare)),
      write(renderFill(onlyThat(desired))),
      write(renderSwitch(desired) + removal(onlyThat(spare))),
      fullList(renderTable(desired)),
    );
  });

  it('only switches where nothing but the base chain is wrong', async () => {
    await applyWith(
      terseList(terseTable(desired).replace('\t\tfib daddr', '\t\taccept\n\t\tfib daddr')),
      write(renderSwitch(desired)),
      fullList(renderTable(desired)),
    );
  });

  it('only sweeps where something else was added', async () => {
    await applyWith(
      terseList(terseTable(desired).replace('\tchain postrouting', '\tchain foreign {\n\t}\n\tchain postrouting')),
      write('flush chain inet ip-masq-agent foreign\ndelete chain inet ip-masq-agent foreign\n'),
      fullList(renderTable(desired)),
    );
  });

  it('adds counters that are gone', async () => {
    await applyWith(
      terseList(terseTable(desired).replace('\tcounter masqueraded-ipv6 {\n\t}\n', '')),
      write(renderFill({ sets: [], chains: [] })),
      fullList(renderTable(desired)),
    );
  });

  it('wakes a dormant table', async () => {
    await applyWith(
      terseList(terseTable(desired).replace('{\n', '{\n\tflags dormant\n')),
      write(renderSwitch(desired)),
      fullList(renderTable(desired)),
    );
  });

  it('writes nothing where the kernel holds the policy', async () => {
    await applyWith(terseList(terseTable(desired)), fullList(renderTable(desired)));
  });

  it('replaces a base chain of another priority in the transaction that switches', async () => {
    const moved = terseTable(older).replace('srcnat + 10', 'srcnat');
    await applyWith(
      terseList(moved),
      write(renderFill(desired)),
      write(`delete chain inet ip-masq-agent postrouting\n${renderSwitch(desired)}${removal(older)}`),
      fullList(renderTable(desired)),
    );
  });

  it('does not trust a write that reads back otherwise', async () => {
    const commands = [
      { tool: 'nft', args: ['-t', ...tableArgs], outcome: absent },
      write(renderFill(desired)),
      write(renderSwitch(desired)),
      fullList(renderTable(desired).replace('10.0.0.0/8', '10.0.0.0/9')),
    ];
    await expect(applyWith(...commands)).rejects.toMatchObject({ code: 'READ_BACK_MISMATCH' });
  });

  it.each([
    ['nothing', ''],
    ['garbage', '\t chain\0 {\n\t}\n\ufffd'],
    ['another table', 'table inet ip-masq-agent-2 {\n}\n'],
  ])('takes %s for no listing of a table', async (_, stdout) => {
    const commands = [{ tool: 'nft', args: ['-t', ...tableArgs], outcome: { exitCode: 0, stdout, stderr: '' } }];
    await expect(applyWith(...commands)).rejects.toMatchObject({ code: 'TOOL_FAILED' });
  });

  it('reads a table below a remark of nft', async () => {
    const outcome = { exitCode: 0, stdout: `# Warning: a remark\n${terseTable(desired)}`, stderr: '' };
    await applyWith({ tool: 'nft', args: ['-t', ...tableArgs], outcome }, fullList(renderTable(desired)));
  });

  it('begins no transaction after it was told to stop', async () => {
    const stop = AbortSignal.abort();
    await expect(createNftBackend({ runner: fakeRunner([]) }).apply(policy, stop)).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });

  it('removes objects whose names no script can write, after the switch', async () => {
    const odd = terseTable(older).replace('\tchain postrouting', '\tset a b {\n\t}\n\tchain postrouting');
    const { nftables } = {
      nftables: [
        { metainfo: { version: '1.0.6' } },
        { table: { family: 'inet', name: 'ip-masq-agent', handle: 1 } },
        ...['a b', ...namesOf([...desired.sets, ...older.sets])].map((name) => ({ set: { name, handle: 2 } })),
        ...['postrouting', 'say "x"\n', ...namesOf(desired.chains)].map((name) => ({ chain: { name } })),
        { rule: { chain: 'a b', handle: 8, expr: [] } },
        { counter: { name: 'kept-ipv4' } },
      ],
    };
    const whose = { family: 'inet', table: 'ip-masq-agent' };
    const removed = [
      { flush: { chain: { ...whose, name: 'say "x"\n' } } },
      { delete: { chain: { ...whose, name: 'say "x"\n' } } },
      { delete: { set: { ...whose, name: 'a b' } } },
      ...namesOf(older.sets).map((name) => ({ delete: { set: { ...whose, name } } })),
    ];
    await applyWith(
      terseList(odd),
      write(renderFill(desired)),
      write(renderSwitch(desired)),
      { tool: 'nft', args: ['-j', '-t', ...tableArgs.slice(1)], outcome: { stdout: JSON.stringify({ nftables }) } },
      { tool: 'nft', args: ['-j', JSON.stringify({ nftables: removed })] },
      fullList(renderTable(desired)),
    );
  });

  it('names the owner of a table that belongs to another process, and writes nothing', async () => {
    const owned = 'table inet ip-masq-agent { # progname firewalld\n\tflags owner\n}\n';
    await expect(applyWith(terseList(owned))).rejects.toMatchObject({
      code: 'TABLE_OWNED',
      message: expect.stringContaining('firewalld'),
    });
  });
});

describe('observe', () => {
  const observe = (...commands: ExpectedCommand[]) =>
    createNftBackend({ runner: fakeRunner(commands) }).observe(policy);

  it('finds a table in sync', async () => {
    const observation = await observe(terseList(terseTable(desired)), fullList(renderTable(desired)));
    expect(observation).toEqual({ state: 'in-sync', differences: [], actual: expect.any(ActualTable) });
  });

  it('finds a wrong rule without listing elements', async () => {
    expect((await observe(terseList(terseTable(older)))).state).toBe('drifted');
  });

  it('finds a wrong element', async () => {
    const damaged = renderTable(desired).replace('10.0.0.0/8', '10.0.0.0/9');
    expect((await observe(terseList(withoutElements(damaged)), fullList(damaged))).state).toBe('drifted');
  });

  it('finds absent', async () => {
    expect((await observe({ tool: 'nft', args: ['-t', ...tableArgs], outcome: absent })).state).toBe('absent');
  });

  it('throws where nft may not look', async () => {
    const outcome = { exitCode: 1, stderr: 'Operation not permitted (you must be root)\n' };
    await expect(observe({ tool: 'nft', args: ['-t', ...tableArgs], outcome })).rejects.toMatchObject({
      code: 'NO_PERMISSION',
    });
  });
});

describe('probe', () => {
  it('says why nft does not work', async () => {
    const runner = fakeRunner([
      { tool: 'nft', args: ['--check', '-f', '-'], outcome: new AgentError('TOOL_MISSING', 'nft is not installed') },
    ]);
    expect(await createNftBackend({ runner }).probe()).toEqual({ usable: false, reason: 'nft is not installed' });
  });

  it('never names the real table', async () => {
    let input = '';
    const runner: Runner = {
      run(command) {
        input += command.input ?? '';
        return Promise.resolve({ exitCode: 0, stdout: '', stderr: '' });
      },
    };
    expect((await createNftBackend({ runner }).probe()).usable).toBe(true);
    expect(input).toMatch(/ip-masq-agent-probe/);
    expect(input).not.toMatch(/ip-masq-agent(?!-probe)/);
  });
});

describe('cleanup', () => {
  it('removes the table and says so', async () => {
    const runner = fakeRunner([
      terseList(terseTable(older)),
      write('add table inet ip-masq-agent\ndelete table inet ip-masq-agent\n'),
    ]);
    expect(await createNftBackend({ runner }).cleanup()).toEqual(['nft table inet ip-masq-agent']);
    runner.assertDone();
  });

  it('does nothing where there is no table', async () => {
    const runner = fakeRunner([{ tool: 'nft', args: ['-t', ...tableArgs], outcome: absent }]);
    expect(await createNftBackend({ runner }).cleanup()).toEqual([]);
  });
});
