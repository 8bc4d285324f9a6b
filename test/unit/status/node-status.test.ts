import { describe, expect, it } from 'vitest';
import type { Observation } from '../../../src/backends/backend.ts';
import { AgentError } from '../../../src/errors.ts';
import { parseCidr } from '../../../src/net/cidr.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { gatherNodeStatus, type StatusSources } from '../../../src/status/node-status.ts';
import { policyWith } from '../../builders/policy.ts';
import { accepted, policyKeeping, rejected } from '../../fakes/config.ts';
import { readText } from '../config/read-text.ts';

const inSync: Observation = { state: 'in-sync', differences: [] };
const nothing = { found: [], failures: [] };
const policy = policyKeeping('10.0.0.0/8');

function host(rules: Observation, changes: Partial<StatusSources> = {}): StatusSources {
  return {
    configPath: '/etc/config',
    reading: accepted(['10.0.0.0/8']),
    policy,
    backend: { name: 'nft', observe: () => Promise.resolve(rules) },
    readHeld: () => Promise.resolve([]),
    backendReason: 'asked for',
    findLeftovers: () => Promise.resolve(nothing),
    findForeign: () => Promise.resolve({ ...nothing, complete: true }),
    findCrashing: () => Promise.resolve(nothing),
    lastGoodPolicy: () => Promise.resolve(undefined),
    agents: [],
    names: [],
    unknownNames: [],
    flagsOf: null,
    ...changes,
  };
}

describe('gatherNodeStatus', () => {
  it('is in sync where the rules are and nothing of ours is elsewhere', async () => {
    expect(await gatherNodeStatus(host(inSync))).toMatchObject({
      state: 'in-sync',
      differences: [],
      backend: { name: 'nft', reason: 'asked for' },
      config: { path: '/etc/config', valid: true, files: ['ip-masq-agent'] },
      leftovers: nothing,
      foreign: { ...nothing, complete: true },
    });
  });

  it('tells the addresses that connections get, and the entries of the config without one', async () => {
    const policy = policyWith({ ipv4: { outputs: [{ address: '192.0.2.10', destinations: ['203.0.113.0/24'] }] } });
    const idle = { text: '192.0.2.20', reason: 'the node does not have this address', source: 'default' } as const;
    const status = await gatherNodeStatus(host(inSync, { policy: { ...policy, idleOutputs: [idle] } }));
    expect(status.outputAddresses).toEqual({
      inUse: ['192.0.2.10 to 203.0.113.0/24'],
      idle: ['192.0.2.20 (default): the node does not have this address'],
    });
  });

  it.each(['drifted', 'absent'] as const)('is %s where the rules are', async (state) => {
    const status = await gatherNodeStatus(host({ state, differences: ['chain postrouting is missing'] }));
    expect(status).toMatchObject({ state, differences: ['chain postrouting is missing'] });
  });

  it('has drifted where rules were left elsewhere, and says what could not be searched', async () => {
    const leftovers = {
      found: ['iptables-nft ipv4: chain IP-MASQ-AGENT'],
      failures: [new AgentError('XTABLES_LOCK', 'held')],
    };
    const status = await gatherNodeStatus(host(inSync, { findLeftovers: () => Promise.resolve(leftovers) }));
    expect(status).toMatchObject({
      state: 'drifted',
      leftovers: { found: leftovers.found, failures: ['XTABLES_LOCK: held'] },
    });
  });

  it('is in sync beside tables that crash an older nft, and says where it could not look for them', async () => {
    const table = { table: 'ip other', crashes: '1.1.1', sets: ['names'], anonymous: 0 } as const;
    const crashing = { found: [table], failures: [new AgentError('NO_PERMISSION', 'not allowed')] };
    const status = await gatherNodeStatus(host(inSync, { findCrashing: () => Promise.resolve(crashing) }));
    expect(status).toMatchObject({
      state: 'in-sync',
      crashing: { found: [table], failures: ['NO_PERMISSION: not allowed'] },
    });
  });

  it('is in sync beside foreign rules, which are looked for by what the policy keeps', async () => {
    const rule = {
      backend: 'nft',
      families: ['ipv4'],
      place: 'ip nat POSTROUTING',
      rule: 'masquerade',
      note: 'somebody',
    } as const;
    const asked: Policy[] = [];
    const findForeign = (kept: Policy) => {
      asked.push(kept);
      return Promise.resolve({ found: [rule], failures: [], complete: false });
    };
    const status = await gatherNodeStatus(host(inSync, { findForeign }));
    expect(status).toMatchObject({ state: 'in-sync', foreign: { found: [rule], complete: false } });
    expect(asked).toEqual([policy]);
  });

  it('does not know where the config is bad, and does not look at what it would need one for', async () => {
    const unexpected = () => Promise.reject(new Error('not to be called'));
    const status = await gatherNodeStatus(
      host(inSync, {
        reading: rejected('bad CIDR'),
        policy: undefined,
        backend: { name: 'nft', observe: unexpected },
        readHeld: unexpected,
        findForeign: unexpected,
      }),
    );
    expect(status).toMatchObject({
      state: 'unknown',
      config: { valid: false, problems: ['ip-masq-agent:1:5: bad CIDR'] },
      foreign: null,
      entries: [],
      outputAddresses: { inUse: [], idle: [] },
    });
  });

  it('compares all but what names stand for that nobody can ask about', async () => {
    const reading = readText('nonMasqueradeCIDRs: [10.0.0.0/8, api.example.com, other.example.com]\n');
    if (!reading.ok) throw new Error('not a config');
    const cidr = parseCidr('203.0.113.8/32');
    if (!cidr) throw new Error('no CIDR');
    const compared: Policy[] = [];
    const backend = {
      name: 'nft',
      observe: (asked: Policy) => Promise.resolve(inSync).finally(() => compared.push(asked)),
    } as const;
    const readHeld = () =>
      Promise.resolve([{ family: 'ipv4', list: 'keepDestinations', cidrs: [cidr], isMerged: true } as const]);
    const names = [{ name: 'other.example.com', addresses: [], isAnswered: true, failure: undefined }];
    const sources = host(inSync, { reading, backend, readHeld, names, unknownNames: ['api.example.com'] });
    expect(await gatherNodeStatus(sources)).toMatchObject({
      state: 'in-sync',
      names: [{ name: 'other.example.com', addresses: [], answered: true }],
      unknownNames: ['api.example.com'],
    });
    expect(compared[0]?.ipv4.keepDestinations.map(({ cidr: { text } }) => text)).toEqual([
      '10.0.0.0/8',
      '203.0.113.8/32',
    ]);
    expect(compared[0]?.ipv4.forceMasquerade).toEqual([]);
  });

  it('throws what the backend throws', async () => {
    const observe = () => Promise.reject(new AgentError('NO_PERMISSION', 'no'));
    const backend = { name: 'nft', observe } as const;
    await expect(gatherNodeStatus(host(inSync, { backend }))).rejects.toMatchObject({
      code: 'NO_PERMISSION',
    });
  });
});
