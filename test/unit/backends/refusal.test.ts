import { describe, expect, it } from 'vitest';
import { explainingRefusals } from '../../../src/backends/refusal.ts';
import { AgentError } from '../../../src/errors.ts';
import { policyWith } from '../../builders/policy.ts';
import { fakeBackend } from '../../fakes/backend.ts';

describe('a backend that explains refusals', () => {
  const policy = policyWith({});
  const refused = () => Promise.reject(new AgentError('NO_PERMISSION', 'nft: Operation not permitted'));
  const withCapability = () => Promise.resolve(true);
  const withoutCapability = () => Promise.resolve(false);

  it('suspects a filter where the capability is there', async () => {
    const backend = explainingRefusals({ ...fakeBackend(), apply: refused }, withCapability);
    await expect(backend.apply(policy)).rejects.toMatchObject({
      code: 'CHANGE_REFUSED',
      message: expect.stringContaining('Operation not permitted, though'),
    });
  });

  it('does not where it is not, nor for other errors', async () => {
    const backend = explainingRefusals({ ...fakeBackend(), apply: refused }, withoutCapability);
    await expect(backend.apply(policy)).rejects.toMatchObject({ code: 'NO_PERMISSION' });
    const locked = () => Promise.reject(new AgentError('XTABLES_LOCK', 'held'));
    const other = explainingRefusals({ ...fakeBackend(), apply: locked }, withCapability);
    await expect(other.apply(policy)).rejects.toMatchObject({ code: 'XTABLES_LOCK' });
  });

  it('says so in the reason why the backend does not work', async () => {
    const probe = () => Promise.resolve({ usable: false, reason: 'nft: Operation not permitted' });
    const reasonOf = async (hasNetAdmin: () => Promise<boolean>) =>
      (await explainingRefusals({ ...fakeBackend(), probe }, hasNetAdmin).probe()).reason;
    expect(await reasonOf(withCapability)).toContain('a filter in the kernel');
    expect(await reasonOf(withoutCapability)).toBe('nft: Operation not permitted');
  });

  it('passes on what works', async () => {
    const fake = fakeBackend();
    const backend = explainingRefusals(fake, withCapability);
    await backend.apply(policy);
    expect(await backend.observe(policy)).toMatchObject({ state: 'in-sync' });
    expect(await backend.probe()).toEqual({ usable: true, reason: 'fake' });
  });
});
