import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { findLeftovers } from '../../src/backends/leftovers.ts';
import { createNftBackend } from '../../src/backends/nft/backend.ts';
import { createConnectionCounters } from '../../src/backends/nft/counters.ts';
import { table } from '../../src/backends/nft/names.ts';
import type { Runner } from '../../src/system/run.ts';
import { policyWith } from '../builders/policy.ts';
import { nftOf, nftVersions, runnerWith, whyNoVersions } from '../container/nft-versions.ts';
import { kubeProxyTable } from '../generators/large-neighbour.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { Namespace, namespaceRunner } from './harness/namespace.ts';

/** `NEIGHBOUR_SERVICES=45000` stands for the largest clusters that are known. */
const services = Number(process.env['NEIGHBOUR_SERVICES'] ?? 5_000);
/** Beside 5,000 services a scrape is to take less than 100 ms, whichever nft reads; five times that on a busy machine. */
const longestScrapeMs = 500 * Math.max(1, services / 5_000);

const policy = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'] }, ipv6: { keepDestinations: ['fd00::/8'] } });
const other = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8', '192.0.2.0/24'] } });

/** Commands that read nothing but our own table, or that write. */
const ownListing = new RegExp(`^(?:-[tsj] )*list table ${table}$`);
const write = /^-f -$|^--check -f -$/;

const title = `beside ${services} services of kube-proxy${whyNoVersions === undefined ? '' : ` [${whyNoVersions}]`}`;
describeKernel(title, () => {
  const subjects = whyNoVersions === undefined ? (['bookworm', 'trixie'] as const) : (['this machine'] as const);
  describe.each(subjects)('nft of %s', (subject) => {
    let node: Namespace;
    let runner: Runner;
    let backend: Backend;
    let commands: string[];
    beforeAll(async () => {
      node = await Namespace.create('node');
      await node.feed(kubeProxyTable(services), 'nft', '-f', '-');
      const inner = subject === 'this machine' ? namespaceRunner(node) : runnerWith(await nftOf(subject), node);
      commands = [];
      runner = {
        run(command) {
          commands.push(command.args.join(' '));
          return inner.run(command);
        },
      };
      backend = createNftBackend({ runner });
    }, 900_000);
    afterAll(() => node.delete());

    /** Says which commands a step took. */
    const commandsOf = async (step: () => Promise<unknown>): Promise<readonly string[]> => {
      commands.length = 0;
      await step();
      return [...commands];
    };

    it('reads nobody else’s table in anything that the running agent does', async () => {
      await commandsOf(() => backend.probe());
      const steps = [
        () => backend.apply(policy),
        () => backend.apply(other),
        async () => backend.apply(policy, undefined, await backend.observe(policy)),
        () => createConnectionCounters({ runner }).read(),
        () => findLeftovers({ active: 'iptables-nft', chain: 'X', runner: nftOnly(runner), nft: backend }),
      ];
      for (const step of steps) {
        const taken = await commandsOf(step);
        expect(taken.length).toBeGreaterThan(0);
        expect(taken.filter((command) => !ownListing.test(command) && !write.test(command))).toEqual([]);
      }
    });

    it('changes the rules by two runs of nft -f, whatever was there before', async () => {
      await backend.apply(policy);
      for (const next of [other, policy]) {
        const taken = await commandsOf(() => backend.apply(next));
        expect(taken.filter((command) => command === '-f -')).toHaveLength(2);
        expect(await backend.observe(next)).toMatchObject({ state: 'in-sync' });
      }
    });

    it('is scraped in a moment', async () => {
      const counters = createConnectionCounters({ runner });
      const times: number[] = [];
      for (let scrape = 0; scrape < 5; scrape++) {
        const startedAt = performance.now();
        await counters.read();
        times.push(performance.now() - startedAt);
      }
      process.stdout.write(
        `${subject} ${subject === 'this machine' ? '' : nftVersions[subject]}: scrapes in ms: ${times.map(Math.round).join(' ')}\n`,
      );
      expect(Math.min(...times)).toBeLessThan(longestScrapeMs);
    });
  });
});

/** Without the tools of iptables, which have nothing to do with this. */
function nftOnly({ run }: Runner): Runner {
  return {
    run: (command) =>
      command.tool === 'nft'
        ? run(command)
        : Promise.resolve({ exitCode: 1, stdout: '', stderr: 'No chain/target/match by that name.' }),
  };
}
