import { describe, expect, it } from 'vitest';
import { createNftBackend } from '../../../../src/backends/nft/backend.ts';
import { renderFill, renderSwitch, renderTable, renderTerseTable } from '../../../../src/backends/nft/render.ts';
import { buildRuleset, type Ruleset } from '../../../../src/backends/nft/ruleset.ts';
import { AgentError } from '../../../../src/errors.ts';
import type { Runner } from '../../../../src/system/run.ts';
import { policyWith } from '../../../builders/policy.ts';
import { type ExpectedCommand, fakeRunner } from '../../../fakes/runner.ts';

const policy = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'], keepSources: ['10.9.0.0/16'] } });
const ruleset = buildRuleset(policy);
const olderPolicy = policyWith({ ipv4: { keepDestinations: ['192.168.0.0/16'] } });
const older = buildRuleset(olderPolicy);

const tableArgs = ['-s', 'list', 'table', 'inet', 'ip-masq-agent'];
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
function removal({ chains, sets }: Pick<Ruleset, 'chains' | 'sets'>): string {
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
      write(renderFill(ruleset)),
      write(renderSwitch(ruleset)),
      fullList(renderTable(ruleset)),
    );
  });

  it('does not list again what an observation has just listed', async () => {
    const runner = fakeRunner([
      { tool: 'nft', args: ['-t', ...tableArgs], outcome: absent },
      write(renderFill(ruleset)),
      write(renderSwitch(ruleset)),
      fullList(renderTable(ruleset)),
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
      write(renderFill(ruleset)),
      write(renderSwitch(ruleset)),
      { ...write(removal(older)), outcome: { exitCode: 1, stderr: 'Error: No such file or directory\n' } },
      fullList(renderTable(ruleset)),
      fullList(renderTable(ruleset)),
    ]);
    const backend = createNftBackend({ runner });
    await backend.apply(olderPolicy);
    await backend.apply(policy);
    runner.assertDone();
  });

  it('sweeps the old policy only after the switch', async () => {
    await applyWith(
      terseList(renderTerseTable(older)),
      write(renderFill(ruleset)),
      write(renderSwitch(ruleset)),
      write(removal(older)),
      fullList(renderTable(ruleset)),
    );
  });

  it('uses the set of a list that did not change as it is', async () => {
    const before = buildRuleset(policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'] } }));
    const [newSet] = ruleset.sets;
    expect(namesOf(before.sets)).toEqual(namesOf(ruleset.sets.slice(1)));
    await applyWith(
      terseList(renderTerseTable(before)),
      write(renderFill({ sets: newSet ? [newSet] : [], chains: ruleset.chains })),
      write(renderSwitch(ruleset)),
      write(removal({ chains: before.chains, sets: [] })),
      fullList(renderTable(ruleset)),
    );
  });

  it('removes chains that an interrupted run left under the same names, in the transaction that fills them', async () => {
    const interrupted = renderFill(ruleset).replace('\t\tfib daddr type local return\n', '');
    await applyWith(
      terseList(withoutElements(interrupted)),
      write(removal({ chains: ruleset.chains, sets: [] }) + renderFill({ sets: [], chains: ruleset.chains })),
      write(renderSwitch(ruleset)),
      fullList(renderTable(ruleset)),
    );
  });

  it('goes on where an interrupted run ended', async () => {
    await applyWith(
      terseList(withoutElements(renderFill(ruleset))),
      write(renderSwitch(ruleset)),
      fullList(renderTable(ruleset)),
    );
  });

  it('goes over spare chains where the live ones are damaged, and does not fill the sets again', async () => {
    const damaged = renderTerseTable(ruleset).replace('\t\tfib daddr type local return\n', '');
    const spare = buildRuleset(policy, (name) => namesOf(ruleset.chains).includes(name));
    await applyWith(
      terseList(damaged),
      write(renderFill({ sets: [], chains: spare.chains })),
      write(renderSwitch(spare)),
      write(removal({ chains: ruleset.chains, sets: [] })),
      terseList(renderTerseTable(spare)),
      write(renderFill({ sets: [], chains: ruleset.chains })),
      write(renderSwitch(ruleset)),
      write(removal({ chains: spare.chains, sets: [] })),
      fullList(renderTable(ruleset)),
    );
  });

  it('goes over a spare set where a live one lacks an element', async () => {
    const damaged = renderTable(ruleset).replace('10.0.0.0/8', '10.0.0.0/9');
    const [sources, destinations] = ruleset.sets;
    const live = [...namesOf(ruleset.chains), destinations?.name];
    const spare = buildRuleset(policy, (name) => live.includes(name));
    expect(namesOf(spare.sets)).toEqual([sources?.name, `${destinations?.name}-spare`]);
    await applyWith(
      terseList(withoutElements(damaged)),
      fullList(damaged),
      write(renderFill({ sets: spare.sets.slice(1), chains: spare.chains })),
      write(renderSwitch(spare)),
      write(removal({ chains: ruleset.chains, sets: ruleset.sets.slice(1) })),
      terseList(renderTerseTable(spare)),
      write(renderFill({ sets: ruleset.sets.slice(1), chains: ruleset.chains })),
      write(renderSwitch(ruleset)),
      write(removal({ chains: spare.chains, sets: spare.sets.slice(1) })),
      fullList(renderTable(ruleset)),
    );
  });

  it('only switches where nothing but the base chain is wrong', async () => {
    await applyWith(
      terseList(renderTerseTable(ruleset).replace('\t\tjump policy', '\t\taccept\n\t\tjump policy')),
      write(renderSwitch(ruleset)),
      fullList(renderTable(ruleset)),
    );
  });

  it('only sweeps where something else was added', async () => {
    await applyWith(
      terseList(
        renderTerseTable(ruleset).replace('\tchain postrouting', '\tchain foreign {\n\t}\n\tchain postrouting'),
      ),
      write('flush chain inet ip-masq-agent foreign\ndelete chain inet ip-masq-agent foreign\n'),
      fullList(renderTable(ruleset)),
    );
  });

  it('adds counters that are gone', async () => {
    await applyWith(
      terseList(renderTerseTable(ruleset).replace('\tcounter masqueraded-ipv6 {\n\t}\n', '')),
      write(renderFill({ sets: [], chains: [] })),
      fullList(renderTable(ruleset)),
    );
  });

  it('wakes a dormant table', async () => {
    await applyWith(
      terseList(renderTerseTable(ruleset).replace('{\n', '{\n\tflags dormant\n')),
      write(renderSwitch(ruleset)),
      fullList(renderTable(ruleset)),
    );
  });

  it('writes nothing where the kernel holds the policy', async () => {
    await applyWith(terseList(renderTerseTable(ruleset)), fullList(renderTable(ruleset)));
  });

  it('replaces a base chain of another priority in the transaction that switches', async () => {
    const moved = renderTerseTable(older).replace('srcnat + 10', 'srcnat');
    await applyWith(
      terseList(moved),
      write(renderFill(ruleset)),
      write(`delete chain inet ip-masq-agent postrouting\n${renderSwitch(ruleset)}`),
      write(removal(older)),
      fullList(renderTable(ruleset)),
    );
  });

  it('does not trust a write that reads back otherwise', async () => {
    const commands = [
      { tool: 'nft', args: ['-t', ...tableArgs], outcome: absent },
      write(renderFill(ruleset)),
      write(renderSwitch(ruleset)),
      fullList(renderTable(ruleset).replace('10.0.0.0/8', '10.0.0.0/9')),
    ];
    await expect(applyWith(...commands)).rejects.toMatchObject({ code: 'READ_BACK_MISMATCH' });
  });

  it('begins no transaction after it was told to stop', async () => {
    const stop = AbortSignal.abort();
    await expect(createNftBackend({ runner: fakeRunner([]) }).apply(policy, stop)).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });

  it('does not touch objects whose names it can’t read', async () => {
    const odd = renderTerseTable(older).replace('\tchain postrouting', '\tset "a b" {\n\t}\n\tchain postrouting');
    await expect(applyWith(terseList(odd))).rejects.toMatchObject({ code: 'READ_BACK_MISMATCH' });
  });
});

describe('observe', () => {
  const observe = (...commands: ExpectedCommand[]) =>
    createNftBackend({ runner: fakeRunner(commands) }).observe(policy);

  it('finds a table in sync', async () => {
    const observation = await observe(terseList(renderTerseTable(ruleset)), fullList(renderTable(ruleset)));
    expect(observation).toEqual({ state: 'in-sync', differences: [] });
  });

  it('finds a wrong rule without listing elements', async () => {
    expect((await observe(terseList(renderTerseTable(older)))).state).toBe('drifted');
  });

  it('finds a wrong element', async () => {
    const damaged = renderTable(ruleset).replace('10.0.0.0/8', '10.0.0.0/9');
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

  it('uses the look that was taken during the probe, once', async () => {
    const terse = terseList(renderTerseTable(ruleset));
    const full = fullList(renderTable(ruleset));
    const runner = fakeRunner([{ tool: 'nft', args: ['--check', '-f', '-'] }, terse, full, terse, full]);
    const backend = createNftBackend({ runner });
    await backend.probe();
    expect((await backend.observe(policy)).state).toBe('in-sync');
    expect((await backend.observe(policy)).state).toBe('in-sync');
    runner.assertDone();
  });
});

describe('probe', () => {
  it('says why nft does not work', async () => {
    const runner = fakeRunner([
      { tool: 'nft', args: ['--check', '-f', '-'], outcome: new AgentError('TOOL_MISSING', 'nft is not installed') },
      { tool: 'nft', args: ['-t', ...tableArgs], outcome: new AgentError('TOOL_MISSING', 'nft is not installed') },
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
      terseList(renderTerseTable(older)),
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
