import { afterEach, beforeEach, expect, it } from 'vitest';
import { counterNames } from '../../src/backends/nft/render.ts';
import { policyWith } from '../builders/policy.ts';
import { type Candidate, createCandidate } from './candidate.ts';
import { describeKernel } from './harness/describe-kernel.ts';

const policy = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'] } });

describeKernel('a table of our name that somebody made with comments', () => {
  let candidate: Candidate;
  beforeEach(async () => {
    candidate = await createCandidate('nft');
  });
  afterEach(() => candidate.bed.close());

  /** Comments can be given at creation only: nothing but a new table would be rid of them. */
  it('is taken over with those that decide nothing, and found in sync', async () => {
    const { backend, bed } = candidate;
    const counters = counterNames.map((name) => `counter ${name} { comment "packets of ${name}"; }`);
    const chain =
      'chain postrouting { comment "mine"; type nat hook postrouting priority srcnat + 10; policy accept; }';
    const text = `table inet ip-masq-agent { comment "do not touch"; ${[...counters, chain].join('; ')}; }`;
    await bed.node.run('nft', text);
    await backend.apply(policy);
    expect(await backend.observe(policy)).toEqual(expect.objectContaining({ state: 'in-sync', differences: [] }));
    expect(await bed.node.run('nft', 'list', 'table', 'inet', 'ip-masq-agent')).toContain('comment "do not touch"');
    expect(await backend.cleanup()).not.toEqual([]);
    expect(await bed.node.run('nft', 'list', 'tables')).not.toContain('ip-masq-agent');
  });
});
