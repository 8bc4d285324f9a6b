import { describe, expect, it } from 'vitest';
import { Census } from '../../../src/connections/census.ts';
import { RejudgeOnChange } from '../../../src/connections/rejudge-on-change.ts';
import { policyWith } from '../../builders/policy.ts';

const result = { report: new Census({ toPorts: [], portBudget: undefined }).report(1), remarks: [] };
const [first, second, third] = ['10.0.0.0/8', '10.1.0.0/16', '10.2.0.0/16'].map((cidr) =>
  policyWith({ ipv4: { keepDestinations: [cidr] } }),
);

function observed(fails = false) {
  const calls: unknown[] = [];
  const failures: unknown[] = [];
  const onChange = new RejudgeOnChange({
    rejudge: (mode, previous, policy) => {
      calls.push([mode, previous, policy]);
      return fails ? Promise.reject(new Error('no socket')) : Promise.resolve(result);
    },
    onDone: () => undefined,
    onFailure: (cause) => failures.push(cause),
  });
  return { onChange, calls, failures };
}

describe('rejudgeConnections', () => {
  if (!first || !second || !third) throw new Error('three policies');

  it('acts once the rules of a changed text are in place', async () => {
    const { onChange, calls } = observed();
    onChange.configAccepted('udp');
    onChange.policyInPlace(first, second);
    await onChange.settled();
    expect(calls).toEqual([['udp', first, second]]);
  });

  it('does not act at the start, without a change of the text, or where nothing is asked for', async () => {
    const { onChange, calls } = observed();
    onChange.configAccepted('all');
    onChange.policyInPlace(undefined, first);
    onChange.policyInPlace(first, second);
    onChange.configAccepted('none');
    onChange.policyInPlace(second, third);
    await onChange.settled();
    expect(calls).toEqual([]);
  });

  it('takes changes that come while it works as one', async () => {
    const { onChange, calls } = observed();
    for (const [previous, policy] of [
      [first, second],
      [second, third],
      [third, first],
    ] as const) {
      onChange.configAccepted('udp');
      onChange.policyInPlace(previous, policy);
    }
    await onChange.settled();
    expect(calls).toEqual([
      ['udp', first, second],
      ['udp', second, first],
    ]);
  });

  it('tells a failure and goes on', async () => {
    const { onChange, failures } = observed(true);
    onChange.configAccepted('udp');
    onChange.policyInPlace(first, second);
    await onChange.settled();
    expect(failures).toHaveLength(1);
  });
});
