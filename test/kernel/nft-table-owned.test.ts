import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { policyWith } from '../builders/policy.ts';
import { type Candidate, createCandidate } from './candidate.ts';
import { describeKernel } from './harness/describe-kernel.ts';

const policy = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'] } });

describeKernel('a table of our name that another process owns', () => {
  let candidate: Candidate;
  beforeEach(async () => {
    candidate = await createCandidate('nft');
  });
  afterEach(() => candidate.bed.close());

  it('is told as that, left alone, and replaced once its owner has ended', async () => {
    const { backend, bed } = candidate;
    const [tool, ...args] = bed.node.enter;
    const owner = spawn(tool, [...args, 'nft', '--interactive'], { stdio: ['pipe', 'ignore', 'ignore'] });
    owner.stdin.write('add table inet ip-masq-agent { flags owner; }\n');
    await expect.poll(() => bed.node.run('nft', 'list', 'tables')).toContain('inet ip-masq-agent');

    const owned = { code: 'TABLE_OWNED', message: expect.stringMatching(/owned by another process.*nft/) };
    await expect(backend.apply(policy)).rejects.toMatchObject(owned);
    await expect(backend.cleanup()).rejects.toMatchObject(owned);
    expect(await backend.observe(policy)).toMatchObject({ state: 'drifted' });

    owner.stdin.end();
    await once(owner, 'exit');
    await expect.poll(() => bed.node.run('nft', 'list', 'tables')).not.toContain('inet ip-masq-agent');
    await backend.apply(policy);
    expect(await backend.observe(policy)).toMatchObject({ state: 'in-sync' });
  });
});
