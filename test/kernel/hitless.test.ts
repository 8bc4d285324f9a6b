import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendName } from '../../src/backends/backend.ts';
import { desiredTable } from '../../src/backends/nft/desired.ts';
import { table } from '../../src/backends/nft/names.ts';
import { renderFill, renderSwitch } from '../../src/backends/nft/render.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { policyWith } from '../builders/policy.ts';
import { nftOf, nftVersions, type Release, whyNoVersions } from '../container/nft-versions.ts';
import { type Candidate, createCandidate } from './candidate.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { Flood, type FloodCounts } from './harness/flood/flood.ts';

/** `HITLESS_RELOADS=… HITLESS_CONNECTIONS=…` make a longer run, of so many at least on each backend. */
const reloads = Number(process.env['HITLESS_RELOADS'] ?? 30);
const connections = Number(process.env['HITLESS_CONNECTIONS'] ?? 60_000);
/** A way that is not hitless is caught long before. */
const mostChangesUncaught = 400;
const changesPerCount = 10;

/** Every policy here keeps the one and masquerades the other, each by another of its lists. */
const plan = { kept: ['10.99.0.0/16'], masqueraded: ['203.0.0.0/16'] };

/** What is particular to a backend. */
interface Particulars {
  /** CIDRs in long lists that have nothing to do with the flood. */
  readonly fillers: number;
  /** Damage that the flood does not notice, so that nothing but its repair could be wrong. */
  readonly damage: readonly [tool: string, ...args: string[]];
  /** A way of changing rules that is in use and is not hitless. */
  readonly usualWay: string;
  change(candidate: Candidate, policy: Policy): Promise<void>;
}

/** Each packet meets rule after rule here, and each rule takes its time to load. */
const iptables = {
  fillers: 100,
  usualWay: 'the old rules removed before the new ones are added',
  async change({ backend }: Candidate, policy: Policy): Promise<void> {
    await backend.cleanup();
    await backend.apply(policy);
  },
};
const rule = ['-t', 'nat', '-I', 'IP-MASQ-AGENT', '-d', '192.0.2.0/24', '-j', 'RETURN'] as const;

const particulars: Readonly<Record<BackendName, Particulars>> = {
  nft: {
    fillers: 2_000,
    damage: ['nft', 'add', 'chain', ...table.split(' '), 'foreign'],
    usualWay: 'the table made anew in one transaction',
    async change({ bed }, policy) {
      const desired = desiredTable(policy);
      const recreate = `add table ${table}\ndelete table ${table}\n`;
      await bed.node.feed(recreate + renderFill(desired) + renderSwitch(desired), 'nft', '-f', '-');
    },
  },
  'iptables-nft': { ...iptables, damage: ['iptables-nft', ...rule] },
  'iptables-legacy': { ...iptables, damage: ['iptables-legacy', ...rule] },
};

interface Subject {
  readonly title: string;
  readonly name: BackendName;
  /** The release of Debian whose nft is used; the machine's own otherwise. */
  readonly release?: Release;
}

/** Both versions of nft that the agent is used with, where they can be had. */
const nftSubjects: readonly Subject[] =
  whyNoVersions === undefined
    ? (['bookworm', 'trixie'] as const).map((release) => ({
        title: `nft ${nftVersions[release]}`,
        name: 'nft',
        release,
      }))
    : [{ title: `nft of this machine (${whyNoVersions})`, name: 'nft' }];
const iptablesSubjects: readonly Subject[] = (['iptables-nft', 'iptables-legacy'] as const).map((name) => ({
  title: name,
  name,
}));

describeKernel('changing the rules under a flood of new connections', () => {
  describe.each([...nftSubjects, ...iptablesSubjects])('$title', ({ title, name, release }) => {
    const { fillers, damage, usualWay, change } = particulars[name];
    const policies = policiesWith(fillers);
    let candidate: Candidate;
    beforeEach(async () => {
      candidate = await createCandidate(name, release && (await nftOf(release)));
    }, 900_000);
    afterEach(() => candidate.bed.close());

    it('judges each by the whole old policy or by the whole new one, repairs included', {
      timeout: 1_800_000,
    }, async () => {
      const { backend, bed } = candidate;
      const isEnough = (changes: number, { newConnections }: FloodCounts) =>
        changes >= reloads && newConnections >= connections;
      const counts = await floodWhile(title, candidate, policies, isEnough, async (policy, index) => {
        await backend.apply(policy);
        if (index % 10 > 0) return;
        // Every tenth change is followed by a repair of the same policy.
        await bed.node.run(...damage);
        await backend.apply(policy);
      });
      expect(counts).toMatchObject({ kept: { wrong: 0 }, masqueraded: { wrong: 0 } });
      expect(counts.kept.right).toBeGreaterThan(connections / 4);
      expect(counts.masqueraded.right).toBeGreaterThan(connections / 4);
    });

    it(`would be caught doing it another way: ${usualWay}`, { timeout: 1_800_000 }, async () => {
      const isEnough = (changes: number, counts: FloodCounts) => changes >= mostChangesUncaught || wrong(counts) > 0;
      const counts = await floodWhile(title, candidate, policies, isEnough, (policy) => change(candidate, policy));
      expect(wrong(counts)).toBeGreaterThan(0);
    });
  });
});

function policiesWith(fillers: number): readonly Policy[] {
  const filler = Array.from({ length: fillers }, (_, index) => `172.${16 + (index >> 8)}.${index & 255}.0/25`);
  return [
    policyWith({ ipv4: { keepDestinations: ['10.99.0.0/16', ...filler] } }),
    policyWith({ ipv4: { keepDestinations: ['10.99.0.0/16'] } }),
    // The list that decided before is empty now: sources decide, and forced destinations come first.
    policyWith({ ipv4: { keepSources: ['10.244.7.0/24'], forceMasquerade: ['203.0.0.0/16'] } }),
    policyWith({
      ipv4: { keepSources: ['10.244.7.2/32'], forceMasquerade: ['203.0.0.0/17', '203.0.128.0/17', ...filler] },
    }),
    policyWith({ ipv4: { keepDestinations: ['10.96.0.0/14', '0.0.0.0/0'], forceMasquerade: ['203.0.0.0/8'] } }),
    policyWith({ ipv4: { masqueradeOutbound: false, forceMasquerade: ['203.0.0.0/16'] } }),
  ];
}

/** Changes policies while the flood runs, and gives what the flood counted after the first of them was in place. */
async function floodWhile(
  title: string,
  { bed }: Candidate,
  policies: readonly Policy[],
  isEnough: (changes: number, counts: FloodCounts) => boolean,
  change: (policy: Policy, index: number) => Promise<void>,
): Promise<FloodCounts> {
  const flood = await Flood.start(bed, plan);
  const policyAt = (index: number): Policy => policies[index % policies.length] ?? policyWith({});
  await change(policyAt(0), 1);
  // Without rules nothing is masqueraded; that ends with the first install, of which kept connections see nothing.
  const before = (await flood.counts()).masqueraded;
  const sinceThen = ({ masqueraded, ...counts }: FloodCounts): FloodCounts => ({
    ...counts,
    masqueraded: { right: masqueraded.right - before.right, wrong: masqueraded.wrong - before.wrong },
  });
  let changes = 0;
  do {
    for (let index = 0; index < changesPerCount; index++) await change(policyAt(++changes), changes);
  } while (!isEnough(changes, sinceThen(await flood.counts())));
  const counts = sinceThen(await flood.stop());
  process.stdout.write(`${title}: ${changes} changes: ${JSON.stringify(counts)}\n`);
  return counts;
}

function wrong({ kept, masqueraded }: FloodCounts): number {
  return kept.wrong + masqueraded.wrong;
}
