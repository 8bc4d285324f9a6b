import { describe, expect, it } from 'vitest';
import { createNftBackend } from '../../../../src/backends/nft/backend.ts';
import { renderFill, renderSwitch, renderTable } from '../../../../src/backends/nft/render.ts';
import { buildRuleset } from '../../../../src/backends/nft/ruleset.ts';
import { AgentError } from '../../../../src/errors.ts';
import type { Runner } from '../../../../src/system/runner.ts';
import { policyWith } from '../../../builders/policy.ts';
import { type ExpectedCommand, fakeRunner } from '../../../fakes/runner.ts';

const policy = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'] } });
const ruleset = buildRuleset(policy);
const spare = buildRuleset(policy, 'spare');
const older = buildRuleset(policyWith({ ipv4: { keepDestinations: ['192.168.0.0/16'] } }));

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

async function applyWith(...commands: ExpectedCommand[]): Promise<void> {
  const runner = fakeRunner(commands);
  await createNftBackend({ runner }).apply(policy);
  runner.assertDone();
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

  it('does not list a table that was just now seen to be absent', async () => {
    const runner = fakeRunner([
      write(renderFill(ruleset)),
      write(renderSwitch(ruleset)),
      fullList(renderTable(ruleset)),
    ]);
    await createNftBackend({ runner }).apply(policy, undefined, { state: 'absent', differences: [] });
    runner.assertDone();
  });

  it('sweeps the old policy only after the switch', async () => {
    const { suffix } = older;
    await applyWith(
      terseList(renderTable(older)),
      write(renderFill(ruleset)),
      write(renderSwitch(ruleset)),
      write(
        [
          ...[`masquerade-ipv4-${suffix}`, `ipv4-${suffix}`, `policy-${suffix}`].map(
            (chain) => `flush chain inet ip-masq-agent ${chain}\n`,
          ),
          ...[`masquerade-ipv4-${suffix}`, `ipv4-${suffix}`, `policy-${suffix}`].map(
            (chain) => `delete chain inet ip-masq-agent ${chain}\n`,
          ),
          `delete set inet ip-masq-agent keep-destinations-ipv4-${suffix}\n`,
        ].join(''),
      ),
      fullList(renderTable(ruleset)),
    );
  });

  it('removes what an interrupted run left under the same names, in the transaction that fills them', async () => {
    const runner = fakeRunner([
      terseList(renderFill(ruleset)),
      { tool: 'nft', args: ['-f', '-'] },
      write(renderSwitch(ruleset)),
      fullList(renderTable(ruleset)),
    ]);
    const inputs: string[] = [];
    const recording: Runner = {
      run(command) {
        inputs.push(command.input ?? '');
        return runner.run(command);
      },
    };
    await createNftBackend({ runner: recording }).apply(policy);
    expect(inputs[1]).toMatch(
      new RegExp(
        `^flush chain .*\\n(?:.*\\n)*delete set inet ip-masq-agent keep-destinations-ipv4-${ruleset.suffix}\\ntable`,
      ),
    );
    expect(inputs[1]?.endsWith(renderFill(ruleset))).toBe(true);
  });

  it('goes over spare names where the live rules of the same policy are damaged', async () => {
    const damaged = renderTable(ruleset).replace('\t\tfib daddr type local return\n', '');
    await applyWith(
      terseList(damaged),
      fullList(damaged),
      write(renderFill(spare)),
      write(renderSwitch(spare)),
      { tool: 'nft', args: ['-f', '-'] },
      terseList(renderTable(spare)),
      write(renderFill(ruleset)),
      write(renderSwitch(ruleset)),
      { tool: 'nft', args: ['-f', '-'] },
      fullList(renderTable(ruleset)),
    );
  });

  it('writes nothing where the kernel holds the policy', async () => {
    await applyWith(terseList(renderTable(ruleset)), fullList(renderTable(ruleset)));
  });

  it('replaces a base chain of another priority in the transaction that switches', async () => {
    const moved = renderTable(older).replace('srcnat + 10', 'srcnat');
    await applyWith(
      terseList(moved),
      write(renderFill(ruleset)),
      write(`delete chain inet ip-masq-agent postrouting\n${renderSwitch(ruleset)}`),
      { tool: 'nft', args: ['-f', '-'] },
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
    const odd = renderTable(older).replace('\tchain postrouting', '\tset "a b" {\n\t}\n\tchain postrouting');
    const commands = [terseList(odd), write(renderFill(ruleset)), write(renderSwitch(ruleset))];
    await expect(applyWith(...commands)).rejects.toThrow(AgentError);
  });
});

describe('observe', () => {
  it.each([
    ['in-sync', renderTable(ruleset)],
    ['drifted', renderTable(older)],
  ])('finds %s', async (state, stdout) => {
    const observation = await createNftBackend({ runner: fakeRunner([fullList(stdout)]) }).observe(policy);
    expect(observation.state).toBe(state);
  });

  it('finds absent', async () => {
    const runner = fakeRunner([{ tool: 'nft', args: tableArgs, outcome: absent }]);
    expect((await createNftBackend({ runner }).observe(policy)).state).toBe('absent');
  });

  it('throws where nft may not look', async () => {
    const outcome = { exitCode: 1, stderr: 'Operation not permitted (you must be root)\n' };
    const runner = fakeRunner([{ tool: 'nft', args: tableArgs, outcome }]);
    await expect(createNftBackend({ runner }).observe(policy)).rejects.toMatchObject({ code: 'NO_PERMISSION' });
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
        input = command.input ?? '';
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
      terseList(renderTable(older)),
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
