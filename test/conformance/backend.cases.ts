import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BackendName } from '../../src/backends/backend.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { policyWith } from '../builders/policy.ts';
import { type Candidate, createCandidate } from '../kernel/candidate.ts';
import { describeKernel } from '../kernel/harness/describe-kernel.ts';
import { Flood } from '../kernel/harness/flood/flood.ts';
import { decisionCases, type ExpectedVerdict } from './decision.cases.ts';

/** Ways to spoil the rules behind the backend's back, each a list of commands to run on the node. */
export type Damages = Readonly<Record<string, readonly (readonly [tool: string, ...args: string[]])[]>>;

const keepTen = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'] }, ipv6: { keepDestinations: ['fd00::/8'] } });
const everyList = {
  ipv4: {
    masqueradeSources: ['10.0.0.0/8'],
    forceMasquerade: ['10.9.0.0/16'],
    keepSources: ['10.1.0.0/16'],
    keepDestinations: ['10.0.0.0/8'],
  },
  ipv6: {
    masqueradeSources: ['fd00::/8'],
    forceMasquerade: ['fd00:9::/32'],
    keepSources: ['fd00:1::/32'],
    keepDestinations: ['fd00::/8'],
  },
};
const withEveryList = policyWith({
  ...everyList,
  toPorts: [
    { first: 1024, last: 29_999 },
    { first: 32_768, last: 65_535 },
  ],
});

/** What every backend must do, with real packets: the same cases for each. */
export function describeConformance(name: BackendName, damages: Damages): void {
  describeKernel(`${name} conforms`, () => {
    let candidate: Candidate;
    beforeAll(async () => {
      candidate = await createCandidate(name);
    });
    afterAll(() => candidate.bed.close());
    afterEach(() => candidate.backend.cleanup());

    const rules = () => kernelRules(candidate);

    describe('to the decision', () => {
      it.each(decisionCases)('$title', async ({ policy, expected }) => {
        await candidate.backend.apply(policy);
        expect(await verdictsOf(candidate, expected)).toEqual(expected.map(describeExpected));
      });

      it('when one policy follows another, in both directions', async () => {
        for (const { policy, expected } of [...decisionCases, ...decisionCases.toReversed()]) {
          await candidate.backend.apply(policy);
          expect(await verdictsOf(candidate, expected)).toEqual(expected.map(describeExpected));
        }
      });
    });

    it('is usable here', async () => {
      expect(await candidate.backend.probe()).toMatchObject({ usable: true });
    });

    it.each([
      ['a plain policy', keepTen],
      ['every list', withEveryList],
    ])('reports %s as absent, then in sync, and absent again after the cleanup', async (_, policy) => {
      const { backend } = candidate;
      expect(await backend.observe(policy)).toMatchObject({ state: 'absent' });
      await backend.apply(policy);
      expect(await backend.observe(policy)).toMatchObject({ state: 'in-sync', differences: [] });
      expect((await backend.cleanup()).length).toBeGreaterThan(0);
      expect(await backend.observe(policy)).toMatchObject({ state: 'absent' });
    });

    it('reports another policy as drift', async () => {
      await candidate.backend.apply(keepTen);
      const { state, differences } = await candidate.backend.observe(withEveryList);
      expect(state).toBe('drifted');
      expect(differences.length).toBeGreaterThan(0);
    });

    it('writes nothing where the policy is in force', async () => {
      await candidate.backend.apply(withEveryList);
      const before = await rules();
      await candidate.backend.apply(withEveryList);
      await candidate.backend.observe(withEveryList);
      expect(await rules()).toBe(before);
    });

    it.each(Object.keys(damages))('reports and repairs %s', async (damage) => {
      const { backend, bed } = candidate;
      await backend.apply(withEveryList);
      for (const [tool, ...args] of damages[damage] ?? []) await bed.node.run(tool, ...args);
      const { state, differences } = await backend.observe(withEveryList);
      expect(state).not.toBe('in-sync');
      expect(differences.length).toBeGreaterThan(0);
      await backend.apply(withEveryList);
      expect(await backend.observe(withEveryList)).toMatchObject({ state: 'in-sync', differences: [] });
    });

    it('leaves nothing behind after a cleanup, and does not mind a second one', async () => {
      const { backend } = candidate;
      // The first apply makes the built-in tables, which stay.
      await backend.apply(keepTen);
      await backend.cleanup();
      const before = await rules();
      await backend.apply(withEveryList);
      await backend.apply(keepTen);
      await backend.apply(withEveryList);
      await backend.cleanup();
      expect(await rules()).toBe(before);
      expect(await backend.cleanup()).toEqual([]);
    });

    it('judges each connection of a flood by the whole old policy or the whole new one', async () => {
      const { backend, bed } = candidate;
      const policies = hitlessPolicies();
      await backend.apply(required(policies[0]));
      const flood = await Flood.start(bed, {
        kept: ['10.99.0.0/16', 'fd00:99::/32'],
        masqueraded: ['203.0.0.0/16', '2001:db8:203::/48'],
        rate: 10_000,
      });
      for (let index = 1; index <= 24; index++) await backend.apply(required(policies[index % policies.length]));
      const { kept, masqueraded } = await flood.stop();
      expect([kept.wrong, masqueraded.wrong]).toEqual([0, 0]);
      expect(kept.right).toBeGreaterThan(1_000);
      expect(masqueraded.right).toBeGreaterThan(1_000);
    });

    it('tells nothing but an error of ours when told to stop', async () => {
      const stop = AbortSignal.abort();
      await expect(candidate.backend.apply(keepTen, stop)).rejects.toMatchObject({ code: 'ABORTED' });
      expect(await candidate.backend.observe(keepTen)).toMatchObject({ state: 'absent' });
    });
  });
}

/** Every one keeps 10.99/16 and fd00:99::/32 and masquerades the rest of the flood, each by another list. */
function hitlessPolicies(): readonly Policy[] {
  const filler = Array.from({ length: 200 }, (_, index) => `172.16.${index}.0/25`);
  return [
    policyWith({
      ipv4: { keepDestinations: ['10.99.0.0/16', ...filler] },
      ipv6: { keepDestinations: ['fd00:99::/32'] },
    }),
    policyWith({
      ipv4: { keepSources: ['10.244.0.0/16'], forceMasquerade: ['203.0.0.0/16'] },
      ipv6: { keepSources: ['fd00:244::/32'], forceMasquerade: ['2001:db8:203::/48'] },
    }),
    policyWith({
      ipv4: { masqueradeSources: ['10.244.0.0/16'], keepDestinations: ['10.0.0.0/8'] },
      ipv6: { masqueradeOutbound: false, forceMasquerade: ['2001:db8::/32'] },
    }),
  ];
}

/** What became of the flows, in the words of `describeExpected`. */
async function verdictsOf({ bed }: Candidate, expected: readonly ExpectedVerdict[]): Promise<string[]> {
  const verdicts = await bed.probe(expected);
  return verdicts.map((seen, index) => {
    const flow = required(expected[index]);
    const { ports } = flow;
    const elsewhere = ports && 'port' in seen && (seen.port < ports.first || seen.port > ports.last);
    return `${describeFlow(flow)}: ${seen.verdict}${elsewhere ? `, from port ${seen.port}` : ''}`;
  });
}

function describeExpected(flow: ExpectedVerdict): string {
  return `${describeFlow(flow)}: ${flow.verdict}`;
}

function describeFlow({ why, from = 'pod', source, destination, protocol = 'udp' }: ExpectedVerdict): string {
  return `${why}: ${protocol} from ${from} ${source} to ${destination}`;
}

/** Everything of every backend, with handles and counts where they show that rules were made anew; packets uncounted. */
async function kernelRules({ bed }: Candidate): Promise<string> {
  const nft = await bed.node.run('nft', '-a', '-s', 'list', 'ruleset');
  const legacy = await Promise.all(['iptables-legacy-save', 'ip6tables-legacy-save'].map((tool) => bed.node.run(tool)));
  return [nft, ...legacy].join('\n').replaceAll(/^#.*$|\[\d+:\d+\]/gm, '');
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a case is missing');
  return value;
}
