import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createNftBackend } from '../../src/backends/nft/backend.ts';
import { findCrashingTables } from '../../src/backends/nft/crashing-sets.ts';
import { policyWith } from '../builders/policy.ts';
import {
  type NftCommand,
  nftOf,
  nftVersions,
  type Release,
  runnerWith,
  whyNoVersions,
} from '../container/nft-versions.ts';
import { kubeProxyTable } from '../generators/large-neighbour.ts';
import { AgentProcess } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { Namespace } from './harness/namespace.ts';
import { openNetlinkIn } from './harness/netlink-in.ts';

const releases = ['bullseye', 'bookworm', 'trixie'] as const;

/** What other programs write, each as the commands that make it in table `inet other`. */
const forms: Readonly<Record<string, string>> = {
  'a set of addresses': 'add set inet other s { type ipv4_addr; }',
  'a set of addresses, with time-outs': 'add set inet other s { type ipv6_addr; flags timeout; }',
  'a set of ports': 'add set inet other s { type inet_service; }',
  'a set of interfaces': 'add set inet other s { type ifname; }',
  'a set, by typeof': 'add set inet other s { typeof ip daddr; }',
  'a concatenated set': 'add set inet other s { type ipv4_addr . inet_service; }',
  'a concatenated set, by typeof': 'add set inet other s { typeof ip daddr . tcp dport; }',
  'a set of marks, by typeof': 'add set inet other s { typeof ct mark; }',
  'a map to addresses': 'add map inet other m { type ipv4_addr : ipv4_addr; }',
  'a map to verdicts': 'add map inet other m { type inet_service : verdict; }',
  'a concatenated map to verdicts': 'add map inet other m { type ipv4_addr . inet_proto . inet_service : verdict; }',
  'a rule with a set': 'add rule inet other c meta l4proto { tcp, udp } accept',
  'a rule with a set of networks': 'add rule inet other c ip daddr { 192.0.2.0/24, 198.51.100.1 } accept',
  'a rule with a map to verdicts': 'add rule inet other c ct state vmap { established : accept, invalid : drop }',
  'a rule with a map at random': 'add rule inet other c numgen random mod 2 vmap { 0 : accept, 1 : drop }',
  'a rule with a map to marks': 'add rule inet other c meta mark set ip daddr map { 192.0.2.1 : 1 }',
  'rules without sets': 'add rule inet other c tcp dport 80 counter accept',
};

describeKernel(
  `the tables that crash an older nft${whyNoVersions === undefined ? '' : ` [skipped: ${whyNoVersions}]`}`,
  () => {
    describe.skipIf(whyNoVersions !== undefined)('of three releases of Debian', () => {
      const commands = new Map<Release, NftCommand>();
      let node: Namespace;
      let directory: string;
      beforeAll(async () => {
        for (const release of releases) commands.set(release, await nftOf(release));
      }, 900_000);
      beforeEach(async () => {
        node = await Namespace.create('node');
        directory = await mkdtemp(join(tmpdir(), 'ip-masq-agent-'));
      });
      afterEach(async () => {
        await node.delete();
        await rm(directory, { recursive: true });
      });

      const commandOf = (release: Release): NftCommand => {
        const command = commands.get(release);
        if (command === undefined) throw new Error(`nft of ${release} was not fetched`);
        return command;
      };
      const nft = (release: Release, ...args: string[]) => node.run(...commandOf(release), ...args);
      /** By way of a file: the oldest opens /dev/stdin by its name, which a socket does not allow. */
      const feed = async (release: Release, script: string): Promise<void> => {
        await writeFile(join(directory, 'script.nft'), script);
        await nft(release, '-f', join(directory, 'script.nft'));
      };
      const find = () => findCrashingTables(openNetlinkIn.bind(undefined, node));
      /** Which versions can't read what is there. */
      const crashed = async (): Promise<string[]> => {
        const broken: string[] = [];
        for (const release of releases) {
          await nft(release, 'list', 'ruleset').catch((error: unknown) => {
            expect(String(error), release).toMatch(/SIGSEGV/);
            broken.push(nftVersions[release]);
          });
        }
        return broken;
      };
      /** Which of the three are no newer than the version that was found. */
      const expectedOf = (crashes: string | undefined): string[] =>
        crashes === undefined ? [] : crashes === '0.9.8' ? ['0.9.8'] : ['0.9.8', '1.0.6'];

      describe.each(releases)('where that of %s writes', (writer) => {
        it.each(Object.entries(forms))('are found where one crashes, and only there: %s', async (_, form) => {
          await feed(writer, `add table inet other\nadd chain inet other c\n${form}\n`);
          const [found, ...more] = await find();
          expect(await crashed()).toEqual(expectedOf(found?.crashes));
          expect(more).toEqual([]);
          if (found === undefined) return;
          const inRule = form.startsWith('add rule');
          const [, name = ''] = /other (\w+) \{/.exec(form) ?? [];
          expect(found).toMatchObject({ table: 'inet other', sets: inRule ? [] : [name], anonymous: inRule ? 1 : 0 });
        });
      });

      it('are none of ours', async () => {
        for (const release of ['bookworm', 'trixie'] as const) {
          const ipv4 = { keepDestinations: ['10.0.0.0/8', '192.0.2.1/32'], forceMasquerade: ['10.9.0.0/16'] };
          await createNftBackend({ runner: runnerWith(commandOf(release), node) }).apply(
            policyWith({ ipv4, ipv6: {} }),
          );
          expect(await find()).toEqual([]);
          expect(await crashed()).toEqual([]);
        }
      });

      // The machine's own nft may be of either kind: `auto` finds a backend all the same, and so does `status`.
      it('are named by status, with what to do', async () => {
        await feed(
          'bookworm',
          `${kubeProxyTable(500)}\nadd table ip6 old\nadd map ip6 old ports { typeof tcp dport : verdict; }\n`,
        );
        await feed('trixie', 'add table ip firewall\nadd set ip firewall allowed { type ipv4_addr; }\n');
        const command = new AgentProcess(node, ['status', '--config', directory, '--output=json']);
        expect(await command.exited).toMatchObject({ code: 4 });
        expect(JSON.parse(command.output)).toMatchObject({
          crashing: {
            found: expect.arrayContaining([
              { table: 'ip firewall', crashes: '1.1.1', sets: ['allowed'], anonymous: 0 },
            ]),
            failures: [],
          },
        });
        const screen = new AgentProcess(node, ['status', '--config', directory]);
        await screen.exited;
        expect(screen.output).toMatch(
          /^crashes +WARNING: ip firewall: .* nft up to 1\.1\.1 .*: allowed\n.*update nft/m,
        );
      });
    });
  },
);
