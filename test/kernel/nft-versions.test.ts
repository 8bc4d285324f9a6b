import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createNftBackend } from '../../src/backends/nft/backend.ts';
import { table } from '../../src/backends/nft/names.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { policyWith } from '../builders/policy.ts';
import {
  type NftCommand,
  nftOf,
  nftVersions,
  type Release,
  runnerWith,
  whyNoVersions,
} from '../container/nft-versions.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { Flood } from './harness/flood/flood.ts';
import { systemFollower } from './harness/follower.ts';
import { Namespace } from './harness/namespace.ts';
import { TestBed } from './harness/test-bed.ts';

/** What the agent is shipped with, or finds on a node. */
const writers = ['bookworm', 'trixie'] as const;
/** What other programs of a node may have. */
const readers = ['bullseye', 'bookworm', 'trixie'] as const;

const many = (start: string): string[] => Array.from({ length: 12 }, (_, index) => `${start}.${index * 2}.0/24`);
const ipv4 = {
  masqueradeSources: ['10.0.0.0/8', '10.244.7.2/32'],
  forceMasquerade: many('10.9'),
  keepSources: many('10.1'),
  // Merged into ranges that no prefix fits, and an address alone.
  keepDestinations: ['192.0.2.1/32', '192.168.1.0/24', '192.168.2.0/24', '192.168.3.0/24', ...many('172.16')],
};
const many6 = (start: string): string[] => Array.from({ length: 12 }, (_, index) => `${start}:${index * 2}::/48`);
const ipv6 = {
  masqueradeSources: ['fd00::/8'],
  forceMasquerade: many6('fd00:9'),
  keepSources: many6('fd00:1'),
  keepDestinations: ['2001:db8::1/128', '::/96', ...many6('2001:db8')],
};
const twoRanges = [
  { first: 1024, last: 29_999 },
  { first: 32_768, last: 65_535 },
];

/** Every form in which the agent writes. */
const forms: Readonly<Record<string, Policy>> = {
  'nothing kept': policyWith({}),
  'every list, IPv4 only': policyWith({ ipv4 }),
  'every list, both families': policyWith({ ipv4, ipv6 }),
  'every list, two port ranges': policyWith({ ipv4, ipv6, toPorts: twoRanges }),
  'one port range, not at random': policyWith({ ipv6: {}, toPorts: twoRanges.slice(0, 1), randomFully: false }),
  'outbound off, link-local masqueraded': policyWith({
    ipv4: { ...ipv4, masqueradeOutbound: false, masqueradeLinkLocal: true },
    ipv6: { ...ipv6, masqueradeOutbound: false, masqueradeLinkLocal: true },
  }),
};

/** What version 0.1.0 rendered: the sets and chains first, then the switch. */
function formerTable(name: string): { readonly fill: string; readonly switchOver: string } {
  const text = readFileSync(new URL(`../fixtures/nft/0.1.0/${name}.nft`, import.meta.url), 'utf8');
  const end = text.indexOf(`add table ${table}`);
  return { fill: text.slice(0, end), switchOver: text.slice(end) };
}

const title = `the versions of nft${whyNoVersions === undefined ? '' : ` [skipped: ${whyNoVersions}]`}`;
describeKernel(title, () => {
  describe.skipIf(whyNoVersions !== undefined)('of three releases of Debian', () => {
    const commands = new Map<Release, NftCommand>();
    beforeAll(async () => {
      for (const release of readers) commands.set(release, await nftOf(release));
    }, 900_000);
    const commandOf = (release: Release): NftCommand => {
      const command = commands.get(release);
      if (command === undefined) throw new Error(`nft of ${release} was not fetched`);
      return command;
    };

    describe('on one node', () => {
      let node: Namespace;
      let directory: string;
      beforeEach(async () => {
        node = await Namespace.create('node');
        directory = await mkdtemp(join(tmpdir(), 'ip-masq-agent-'));
      });
      afterEach(async () => {
        await node.delete();
        await rm(directory, { recursive: true });
      });
      const nft = (release: Release, ...args: string[]) => node.run(...commandOf(release), ...args);
      /** By way of a file: the oldest opens /dev/stdin by its name, which a socket does not allow. */
      const feed = async (release: Release, script: string) => {
        const file = join(directory, 'script.nft');
        await writeFile(file, script);
        return nft(release, '-f', file);
      };
      const backendOf = (release: Release) => createNftBackend({ runner: runnerWith(commandOf(release), node) });

      it('are what the tests take them for', async () => {
        for (const release of readers) {
          expect(await nft(release, '--version')).toContain(`v${nftVersions[release]} `);
        }
      });

      describe.each(writers)('rules written by that of %s', (writer) => {
        it.each(Object.entries(forms))('are read by every other: %s', async (_, policy) => {
          await feed('bullseye', 'table ip other {\n\tset names {\n\t\ttype ipv4_addr\n\t}\n}\n');
          await backendOf(writer).apply(policy);
          for (const reader of readers) {
            expect(await nft(reader, 'list', 'ruleset'), reader).toContain(`table ${table} {`);
            expect(JSON.parse(await nft(reader, '-j', 'list', 'ruleset')), reader).toHaveProperty('nftables');
            expect(await nft(reader, 'list', 'tables'), reader).toContain(`table ${table}\n`);
            await feed(reader, 'add element ip other names { 192.0.2.1 }\n');
            await feed(reader, 'delete element ip other names { 192.0.2.1 }\n');
          }
        });

        it.each(readers)('and changed while that of %s monitors', async (reader) => {
          await backendOf(writer).apply(policyWith({ ipv4 }));
          let heard = '';
          const [tool, ...args] = commandOf(reader);
          const monitor = systemFollower.follow(node.inside(tool, [...args, 'monitor']), {
            onOutput: (piece) => {
              heard += piece;
            },
          });
          let ended: string | undefined;
          void monitor.ended.then((reason) => {
            ended = reason;
          });
          // It says nothing when it is ready: changes are made until it tells of them.
          await expect
            .poll(
              async () => {
                await feed(writer, 'add table ip other\ndelete table ip other\n');
                return ended ?? heard;
              },
              { timeout: 30_000 },
            )
            .toMatch(/new generation|ended/);
          for (const policy of Object.values(forms)) await backendOf(writer).apply(policy);
          await backendOf(writer).cleanup();
          await expect.poll(() => ended ?? heard, { timeout: 30_000 }).toMatch(/delete table inet ip-masq-agent|ended/);
          expect(ended).toBeUndefined();
          monitor.stop();
          await monitor.ended;
        });

        it.each(Object.entries(forms))('are found in sync by the other of the newer two: %s', async (_, policy) => {
          await backendOf(writer).apply(policy);
          for (const reader of writers) {
            expect(await backendOf(reader).observe(policy), reader).toMatchObject({
              state: 'in-sync',
              differences: [],
            });
          }
        });

        it('would crash the oldest as version 0.1.0 wrote them', async () => {
          const { fill, switchOver } = formerTable('every-list');
          await feed(writer, fill + switchOver);
          await expect(nft('bullseye', 'list', 'ruleset')).rejects.toThrow(/SIGSEGV/);
        });
      });
    });

    describe.each(writers)('a table of version 0.1.0 is replaced by that of %s', (writer) => {
      let bed: TestBed;
      beforeEach(async () => {
        bed = await TestBed.create();
      });
      afterEach(() => bed.close());

      /** The policy of the fixture; it keeps the one network and masquerades the other. */
      const policy = policyWith({
        ipv4: {
          masqueradeSources: ['10.0.0.0/8'],
          forceMasquerade: ['10.9.0.0/16'],
          keepSources: ['10.1.0.0/16'],
          keepDestinations: ['192.168.0.0/16', '172.16.0.0/12'],
        },
        ipv6: {
          masqueradeSources: ['fd00::/8'],
          forceMasquerade: ['2001:db8:9::/48'],
          keepSources: ['fd00:1::/32'],
          keepDestinations: ['2001:db8::/32'],
        },
      });

      it('whole, and hitlessly', async () => {
        const { fill, switchOver } = formerTable('every-list');
        const [tool, ...args] = commandOf(writer);
        const feed = (script: string) => bed.node.feed(script, tool, ...args, '-f', '-');
        const backend = createNftBackend({ runner: runnerWith(commandOf(writer), bed.node) });
        await backend.apply(policy);
        const flood = await Flood.start(bed, { kept: ['172.16.0.0/16'], masqueraded: ['203.0.0.0/16'], rate: 10_000 });
        for (let upgrade = 0; upgrade < 12; upgrade++) {
          // The way back, as version 0.1.0 went it.
          for (const script of [fill, switchOver]) await feed(script);
          expect(await backend.observe(policy)).toMatchObject({ state: 'drifted' });
          await backend.apply(policy, undefined, await backend.observe(policy));
          expect(await backend.observe(policy)).toMatchObject({ state: 'in-sync' });
        }
        const { kept, masqueraded } = await flood.stop();
        expect([kept.wrong, masqueraded.wrong]).toEqual([0, 0]);
        expect(kept.right).toBeGreaterThan(1_000);
        expect(masqueraded.right).toBeGreaterThan(1_000);
        expect(await bed.node.run(tool, ...args, 'list', 'table', ...table.split(' '))).not.toMatch(/type ipv|vmap/);
      });
    });
  });
});
