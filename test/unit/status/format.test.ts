import { describe, expect, it } from 'vitest';
import { formatNodeStatus } from '../../../src/status/format.ts';
import type { NodeStatus } from '../../../src/status/node-status.ts';
import type { AgentReport } from '../../../src/telemetry/agent-report.ts';

const now = Date.UTC(2026, 0, 2, 12, 0, 0);

const status: NodeStatus = {
  state: 'in-sync',
  comparedWith: 'config',
  flagsOf: null,
  backend: { name: 'nft', reason: 'nft --check accepts the rules on this kernel' },
  differences: [],
  config: {
    path: '/etc/config',
    valid: true,
    files: ['/etc/config/a', '/etc/config/b'],
    digest: 'd',
    problems: [],
    warnings: [],
  },
  entries: [
    { list: 'nonMasqueradeCIDRs', family: 'ipv4', count: 3 },
    { list: 'forceMasqueradeCIDRs', family: 'ipv4', count: 1 },
    { list: 'nonMasqueradeCIDRs', family: 'ipv6', count: 0 },
  ],
  names: [],
  unknownNames: [],
  outputAddresses: { inUse: [], idle: [] },
  leftovers: { found: [], failures: [] },
  foreign: { found: [], failures: [], complete: true },
  crashing: { found: [], failures: [] },
  agents: [],
};

const report: AgentReport = {
  version: '1.2.3',
  pid: 1,
  startedAt: '2026-01-02T09:00:00.000Z',
  backend: 'nft',
  backendReason: 'asked for',
  ready: true,
  reason: 'ok',
  config: {
    path: '/etc/config',
    files: [],
    digest: 'd',
    acceptedAt: '2026-01-02T10:59:58.000Z',
    rejectedAt: null,
    problems: [],
    fallback: null,
  },
  entries: [],
  lastSyncAt: '2026-01-02T11:59:30.000Z',
  lastApplyAt: '2026-01-02T11:00:00.000Z',
  driftRepairs: 0,
  lastDriftRepairAt: null,
  connections: null,
  anotherAgent: null,
  failure: null,
  listenFailures: [],
};

const agent = { pid: 1, startedAt: '2026-01-02T09:00:00.000Z', args: [], report };

/** The lines beside a label. */
function rowOf(label: string, of: NodeStatus): string[] {
  const lines = formatNodeStatus(of, now).split('\n');
  const start = lines.findIndex((line) => line.startsWith(`${label} `));
  const length = lines.slice(start + 1).findIndex((line) => !line.startsWith(' '));
  return lines.slice(start, start + 1 + length).map((line) => line.slice(12));
}

describe('formatNodeStatus', () => {
  it('puts a node that is well on one screen', () => {
    expect(formatNodeStatus({ ...status, agents: [agent] }, now)).toBe(`\
IN SYNC: the kernel holds what the config asks for

backend     nft (nft --check accepts the rules on this kernel)
rules       as they should be
            ipv4: nonMasqueradeCIDRs 3, forceMasqueradeCIDRs 1
            ipv6: no CIDRs
config      /etc/config/a, /etc/config/b
            valid
leftovers   none in any backend
foreign     no other rule was found that masquerades what this agent keeps
crashes     no table of another program is known to crash any but a very old nft
agent       pid 1, running since 2026-01-02 09:00:00 UTC (3h0m0s ago)
            version 1.2.3, ready
            config accepted 2026-01-02 10:59:58 UTC (1h0m2s ago)
            rules written 2026-01-02 11:00:00 UTC (1h0m0s ago), last found right 2026-01-02 11:59:30 UTC (30s ago)
            drift repairs: 0
`);
  });

  it.each([
    ['drifted', /^DRIFTED: /],
    ['absent', /^ABSENT: /],
    ['unknown', /^UNKNOWN: /],
  ] as const)('says first that the state is %s', (state, title) => {
    expect(formatNodeStatus({ ...status, state }, now)).toMatch(title);
  });

  it('shows ten differences and counts the rest', () => {
    const differences = Array.from({ length: 15 }, (_, index) => `chain c${index} is missing`);
    const lines = rowOf('rules', { ...status, differences });
    expect(lines.slice(9, 11)).toEqual(['chain c9 is missing', 'and 5 lines more; --output json has all']);
    expect(lines).toHaveLength(13);
  });

  it('tells what is wrong with the config, and whose flags it was read with', () => {
    const config = { ...status.config, files: [], problems: ['a:1:2: bad CIDR'], warnings: ['a:3:4: unknown key'] };
    expect(rowOf('config', { ...status, config, flagsOf: 1 })).toEqual([
      'no file at /etc/config, defaults apply',
      'error: a:1:2: bad CIDR',
      'warning: a:3:4: unknown key',
      'read with the flags of the running agent, pid 1',
    ]);
  });

  it('tells which addresses connections get, and which entries are not used; nothing where there are none', () => {
    const outputAddresses = {
      inUse: ['192.0.2.10 to 203.0.113.0/24'],
      idle: ['192.0.2.20 (a:3:1): the node has none'],
    };
    expect(rowOf('addresses', { ...status, outputAddresses })).toEqual([
      'NOT USED: 192.0.2.20 (a:3:1): the node has none',
      '192.0.2.10 to 203.0.113.0/24',
    ]);
    expect(formatNodeStatus(status, Date.now())).not.toMatch(/^addresses/m);
  });

  it('tells leftovers and foreign rules, and what could not be searched', () => {
    const found = {
      backend: 'iptables-legacy',
      families: ['ipv4', 'ipv6'],
      place: 'nat POSTROUTING',
      rule: '-j MASQUERADE',
      note: 'Docker',
    } as const;
    const troubled: NodeStatus = {
      ...status,
      leftovers: { found: ['iptables-nft ipv4: chain IP-MASQ-AGENT'], failures: ['XTABLES_LOCK: held'] },
      foreign: { found: [found], failures: ['TOOL_TIMEOUT: hung'], complete: false },
    };
    expect(rowOf('leftovers', troubled)).toEqual([
      'iptables-nft ipv4: chain IP-MASQ-AGENT',
      'not searched: XTABLES_LOCK: held',
    ]);
    expect(rowOf('foreign', troubled)).toEqual([
      'iptables-legacy ipv4+ipv6 nat POSTROUTING: -j MASQUERADE',
      '  by Docker',
      'not searched: TOOL_TIMEOUT: hung',
      'there was more to read than is reasonable: some chains were not searched',
    ]);
    expect(rowOf('foreign', { ...status, foreign: null })[0]).toMatch(/^not searched/);
  });

  it('names the tables that crash an older nft, and what to do', () => {
    const sets = ['a', 'b', 'c', 'd', 'e', 'f'];
    const crashing: NodeStatus['crashing'] = {
      found: [
        { table: 'ip other', crashes: '1.1.1', sets, anonymous: 0 },
        { table: 'inet maps', crashes: '1.1.1', sets: [], anonymous: 3 },
        { table: 'inet old', crashes: '0.9.8', sets: [], anonymous: 1 },
      ],
      failures: ['KERNEL_RESOURCE: no answer'],
    };
    expect(rowOf('crashes', { ...status, crashing })).toEqual([
      'WARNING: ip other: its sets or maps crash nft up to 1.1.1 whenever that reads or changes any rules here: a, b, c, d and 2 more',
      'WARNING: inet maps: its sets or maps crash nft up to 1.1.1 whenever that reads or changes any rules here: 3 in rules, without a name',
      "  update nft to 1.1.2 or later on the host and in its containers, or have the table's owner write sets as",
      '  `typeof ip daddr` instead of `type ipv4_addr`, and no anonymous maps',
      'nft 0.9.8, as in Debian 11, crashes on inet old',
      'not searched: KERNEL_RESOURCE: no answer',
    ]);
  });

  it('tells what names stand for, and of which that is not known', () => {
    const name = (text: string, addresses: string[], more = {}) => ({
      name: text,
      addresses,
      answered: true,
      failure: null,
      ...more,
    });
    const names = [
      name('a.example.com', ['192.0.2.1', '192.0.2.2']),
      name('b.example.com', []),
      name('c.example.com', ['192.0.2.3'], { failure: 'ETIMEOUT' }),
      name('d.example.com', [], { answered: false }),
    ];
    const text = formatNodeStatus({ ...status, names, unknownNames: ['d.example.com', 'e.example.com'] }, now);
    for (const line of [
      'names       a.example.com: 192.0.2.1, 192.0.2.2',
      'b.example.com: no address',
      'c.example.com: 192.0.2.3; DNS does not answer: ETIMEOUT',
      'd.example.com: not answered yet',
      'e.example.com: not known, since no running agent says; what the rules have for it is taken as it is',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    expect(formatNodeStatus(status, now)).not.toContain('names ');
  });

  it('tells of an agent that is in trouble', () => {
    const failing: AgentReport = {
      ...report,
      ready: false,
      reason: 'nft hung',
      config: { ...report.config, rejectedAt: '2026-01-02T11:59:00.000Z' },
      lastApplyAt: null,
      driftRepairs: 2,
      lastDriftRepairAt: '2026-01-02T11:58:00.000Z',
      failure: { code: 'TOOL_TIMEOUT', message: 'nft hung', count: 7, since: '2026-01-02T11:59:50.000Z' },
    };
    const lines = rowOf('agent', { ...status, agents: [{ ...agent, report: failing }] });
    expect(lines).toContain('version 1.2.3, not ready: nft hung');
    expect(lines).toContain('config on disk REJECTED 2026-01-02 11:59:00 UTC (1m0s ago)');
    expect(lines).toContain('rules written never, last found right 2026-01-02 11:59:30 UTC (30s ago)');
    expect(lines).toContain('drift repairs: 2, the last 2026-01-02 11:58:00 UTC (2m0s ago)');
    expect(lines).toContain('FAILING since 2026-01-02 11:59:50 UTC (10s ago), reconciles in a row: 7: nft hung');
  });

  it('tells of no agent, of one that says nothing, and of two', () => {
    expect(rowOf('agent', status)[0]).toMatch(/^none seen running from here/);
    const silent = { ...agent, report: 'connection refused' };
    expect(rowOf('agent', { ...status, agents: [silent] })).toEqual([
      'pid 1, running since 2026-01-02 09:00:00 UTC (3h0m0s ago)',
      'says nothing of itself: connection refused',
    ]);
    expect(rowOf('agent', { ...status, agents: [silent, silent] })[0]).toMatch(/^MORE THAN ONE AGENT/);
  });
});
