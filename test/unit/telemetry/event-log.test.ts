import { describe, expect, it } from 'vitest';
import type { AgentEvent, ReportEvent } from '../../../src/agent/events.ts';
import { AgentError } from '../../../src/errors.ts';
import { trackAgentState } from '../../../src/telemetry/agent-state.ts';
import { createEventLog } from '../../../src/telemetry/event-log.ts';
import { accepted, policyKeeping, rejected } from '../../fakes/config.ts';
import { type FakeLog, fakeLog } from '../../fakes/log.ts';

const before = policyKeeping('10.0.0.0/8', '172.16.0.0/12');
const after = policyKeeping('10.0.0.0/8', '192.168.0.0/16');

const inSync = {
  type: 'in-sync',
  trigger: 'resync',
  policy: before,
  verifiedBy: 'read',
  durationMs: 3,
} as const satisfies AgentEvent;
const recovery = { failures: 100, forMs: 3_000 };
const origin = { pid: 7, program: 'nft' };
const applied = {
  type: 'applied',
  trigger: 'config-change',
  cause: 'policy-change',
  policy: after,
  previous: before,
  differences: [],
  durationMs: 12.3,
} as const satisfies AgentEvent;

function failed(message: string, failures = 1): AgentEvent {
  return {
    type: 'failed',
    trigger: 'retry',
    error: new AgentError('XTABLES_LOCK', message),
    failures,
    retryInMs: 500,
  };
}

function logging(): { log: FakeLog; report: ReportEvent } {
  const log = fakeLog();
  const tracker = trackAgentState();
  tracker.subscribe(createEventLog(log));
  return { log, report: tracker.report };
}

describe('the event log', () => {
  it('tells a change in one line: what came, what went, from where, why and how long', () => {
    const { log, report } = logging();
    report({ type: 'config-accepted', reading: accepted([], ['/etc/config/ip-masq-agent']) });
    report(applied);
    expect(log.lines).toEqual([
      {
        text: 'info rules changed',
        fields: {
          'nonMasqueradeCIDRs.added': ['192.168.0.0/16 (ip-masq-agent:3)'],
          'nonMasqueradeCIDRs.removed': ['172.16.0.0/12 (ip-masq-agent:3)'],
          trigger: 'config-change',
          took: '12ms',
          files: ['/etc/config/ip-masq-agent'],
        },
      },
    ]);
  });

  it('tells changed settings', () => {
    const { log, report } = logging();
    report({ ...applied, policy: { ...before, randomFully: false } });
    expect(log.lines).toMatchObject([
      { text: 'info rules changed', fields: { settings: ['random-fully: true -> false'] } },
    ]);
  });

  it('names twenty CIDRs of a long change and counts the rest', () => {
    const { log, report } = logging();
    const many = Array.from({ length: 45 }, (_, index) => `10.1.${index}.0/24`);
    report({ ...applied, cause: 'policy-change', policy: policyKeeping('10.0.0.0/8', '172.16.0.0/12', ...many) });
    const shown = log.lines[0]?.fields['nonMasqueradeCIDRs.added'];
    expect(shown).toHaveLength(21);
    expect(shown).toContain('10.1.19.0/24 (ip-masq-agent:23)');
    expect(shown).toContain('and 25 more');
  });

  it('tells the first apply with what the policy holds', () => {
    const { log, report } = logging();
    report({ type: 'config-accepted', reading: accepted([], []) });
    report({
      ...applied,
      trigger: 'start',
      cause: 'first',
      previous: undefined,
      differences: ['the table is missing'],
    });
    expect(log.lines).toEqual([
      {
        text: 'info rules applied',
        fields: { trigger: 'start', took: '12ms', files: 'none, defaults apply', entries: 'nonMasqueradeCIDRs:2' },
      },
    ]);
  });

  it('warns of rules that somebody else changed', () => {
    const { log, report } = logging();
    report({ ...applied, policy: before, cause: 'drift', differences: ['chain postrouting is missing'], origin });
    expect(log.lines).toMatchObject([
      {
        text: 'warn rules had been changed by somebody else and were repaired',
        fields: { differences: ['chain postrouting is missing'], changedBy: 'process 7 (nft)' },
      },
    ]);
  });

  it('is silent while nothing changes', () => {
    const { log, report } = logging();
    report({ type: 'config-accepted', reading: accepted([]) });
    report({ ...applied, cause: 'first', previous: undefined });
    const lines = log.visible().length;
    for (let pass = 0; pass < 100; pass++) {
      report({ type: 'reconciling' });
      report(inSync);
      report({ type: 'waiting', forMs: 1000 });
    }
    expect(log.visible()).toHaveLength(lines);
  });

  it('says of a config that changes no rule that it was accepted', () => {
    const { log, report } = logging();
    report({ type: 'config-accepted', reading: accepted([]) });
    report(inSync);
    report(inSync);
    expect(log.visible()).toEqual(['info config accepted; the kernel holds its rules already']);
  });

  it('warns of what is odd in an accepted config', () => {
    const { log, report } = logging();
    report({
      type: 'config-accepted',
      reading: { ...accepted([]), warnings: [{ file: 'ip-masq-agent', message: 'unknown key' }] },
    });
    expect(log.visible()).toEqual(['warn ip-masq-agent: unknown key']);
  });

  it('tells a rejection in one line, with every mistake and what stays in force', () => {
    const { log, report } = logging();
    report({ type: 'config-rejected', reading: rejected('bad CIDR', 'bad duration'), policyKept: true });
    expect(log.lines).toEqual([
      {
        text: 'error config rejected, the last good config stays in force: ip-masq-agent:1:5: bad CIDR',
        fields: { others: ['ip-masq-agent:2:5: bad duration'] },
      },
    ]);
    report({ type: 'config-rejected', reading: rejected('bad CIDR'), policyKept: false });
    expect(log.visible().at(-1)).toContain('no config was accepted yet');
  });

  it('tells a failure that persists at its 1st, 2nd, 4th, 8th … time, and its end', () => {
    const { log, report } = logging();
    for (let pass = 1; pass <= 100; pass++) report(failed('the lock is held', pass));
    expect(log.visible()).toHaveLength(7);
    expect(log.lines[0]).toMatchObject({
      text: expect.stringContaining('error the lock is held. '),
      fields: { code: 'XTABLES_LOCK', trigger: 'retry', retryIn: '500ms' },
    });
    report({ ...inSync, recovery });
    expect(log.lines.at(-1)).toMatchObject({
      text: 'info rules in sync again',
      fields: { failures: 100, failedFor: '3000ms' },
    });
    report(inSync);
    expect(log.visible()).toHaveLength(8);
  });

  it('tells another failure at once, and a change that ends failures with their number', () => {
    const { log, report } = logging();
    for (const message of ['a', 'a', 'a', 'b']) report(failed(message));
    expect(log.visible().map((line) => line.slice(0, 7))).toEqual(['error a', 'error a', 'error b']);
    report({ ...applied, cause: 'policy-change', recovery });
    expect(log.lines.at(-1)).toMatchObject({ text: 'info rules changed', fields: { failures: 100 } });
  });

  it.each<[string, AgentEvent]>([
    ['a conflict', { type: 'conflict', repairs: 21, origin, pauseMs: 5000 }],
    ['a kernel that cannot be heard', { type: 'kernel-watch-failed', reason: 'no socket' }],
    ['addresses that cannot be heard of', { type: 'address-watch-failed', reason: 'no socket' }],
    ['a broken watch of the config', { type: 'watch-failed', reason: 'no inotify' }],
    [
      'leftovers that can not be looked for',
      { type: 'leftovers', removed: [], failures: [new AgentError('XTABLES_LOCK', 'held')], removals: 0 },
    ],
  ])('tells %s that comes again and again ever more rarely, and how often it came', (_, event) => {
    const { log, report } = logging();
    for (let time = 1; time <= 64; time++) report(event);
    expect(log.visible()).toHaveLength(7);
    expect(log.lines[0]?.fields).not.toHaveProperty('times');
    expect(log.lines.at(-1)?.fields).toMatchObject({ times: 64 });
  });

  it('tells each repair, until they are clearly a conflict', () => {
    const { log, report } = logging();
    const repair: AgentEvent = {
      ...applied,
      cause: 'drift',
      policy: before,
      differences: ['chain postrouting is missing'],
    };
    for (let time = 1; time <= 64; time++) report(repair);
    expect(log.visible()).toHaveLength(22);
    expect(log.lines.at(-1)?.fields).toMatchObject({ times: 64 });
  });

  it('tells start, serving, a broken watch and stop', () => {
    const { log, report } = logging();
    report({ type: 'started', version: '1.2.3', backend: 'nft', reason: 'asked for', configPath: '/etc/config' });
    report({ type: 'serving', address: '127.0.0.1:0', bound: '127.0.0.1:9090', paths: ['/metrics'] });
    report({ type: 'watch-failed', reason: 'no inotify' });
    report({ type: 'stopped', reason: 'SIGTERM' });
    expect(log.lines).toEqual([
      {
        text: 'info ip-masq-agent 1.2.3 started',
        fields: { backend: 'nft', reason: 'asked for', config: '/etc/config' },
      },
      { text: 'info serving HTTP', fields: { address: '127.0.0.1:9090', paths: ['/metrics'] } },
      {
        text: "warn the config can't be watched, resyncs see its changes: no inotify",
        fields: {},
      },
      { text: 'info stopped; the rules stay in the kernel', fields: { reason: 'SIGTERM' } },
    ]);
  });

  it('warns of what is odd about a config once, and again only when it had gone', () => {
    const { log, report } = logging();
    const odd = (...messages: string[]): AgentEvent => ({
      type: 'config-accepted',
      reading: { ...accepted([]), warnings: messages.map((message) => ({ file: 'ip-masq-agent', message })) },
    });
    for (const event of [odd('a'), odd('a', 'b'), odd(), odd('a')]) report(event);
    expect(log.lines.map(({ text }) => text)).toEqual([
      'warn ip-masq-agent: a',
      'warn ip-masq-agent: b',
      'warn ip-masq-agent: a',
    ]);
  });

  it('tells leftovers once, shouts once when they come back, and is quiet about them after', () => {
    const { log, report } = logging();
    for (const removals of [1, 2, 3]) report({ type: 'leftovers', removed: ['chain A'], failures: [], removals });
    expect(log.lines.map(({ text }) => text)).toEqual([
      'info removed what another agent or backend had left',
      expect.stringMatching(/^warn .*ANOTHER MASQUERADE AGENT IS RUNNING/),
    ]);
  });
});
