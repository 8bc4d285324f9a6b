import type { AgentEvent } from '../../src/agent/events.ts';
import { AgentError } from '../../src/errors.ts';
import { summarizeFlips } from '../../src/policy/diff.ts';
import { accepted, policyKeeping, rejected } from './config.ts';

const policy = policyKeeping('10.0.0.0/8');
const everything = policyKeeping('0.0.0.0/0');
const applied = {
  type: 'applied',
  cause: 'policy-change',
  trigger: 'resync',
  policy,
  previous: policy,
  differences: [],
  durationMs: 1,
} as const;
const removal = { type: 'leftovers', removed: ['chain A'], failures: [] } as const;
const failure = new AgentError('XTABLES_LOCK', 'held');

const name = { name: 'api.example.com', addresses: [], isAnswered: true, failure: undefined };
const addresses = [{ family: 'ipv4', value: 0xc000_0201n }] as const;

/** Events that make the agent log every line that it has, failures of passes apart. */
export const everyLoggedEvent: readonly AgentEvent[] = [
  { type: 'started', version: '1.2.3', backend: 'nft', reason: 'asked for', configPath: '/etc/config' },
  { type: 'serving', address: '127.0.0.1:9090', bound: '127.0.0.1:9090', paths: ['/metrics'] },
  { type: 'listen-failed', address: ':1', reason: "can't serve HTTP on :1: EADDRINUSE", retryInMs: 250 },
  { type: 'config-rejected', reading: rejected('bad CIDR'), policyKept: false },
  {
    type: 'config-accepted',
    reading: {
      ...accepted(['10.0.0.0/8']),
      warnings: [{ file: 'a', position: { file: 'a', line: 1, column: 2 }, message: 'unknown key' }],
    },
  },
  { type: 'names', answers: [{ ...name, isAnswered: false, failure: 'silent' }] },
  { type: 'names-awaited', names: ['api.example.com'] },
  { type: 'names', answers: [{ ...name, addresses }] },
  { type: 'names', answers: [{ ...name, addresses, failure: 'silent' }] },
  { ...applied, cause: 'first', previous: undefined },
  { ...applied, cause: 'policy-change', policy: policyKeeping('10.0.0.0/8', '11.0.0.0/8') },
  { ...applied, cause: 'policy-change', policy: everything, flips: summarizeFlips(policy, everything) },
  { ...applied, cause: 'drift', differences: ['table is missing'] },
  { ...applied, cause: 'drift', differences: ['chain policy-0123456789ab is not ours'] },
  { type: 'config-accepted', reading: accepted([]) },
  { type: 'config-accepted', reading: { ...accepted([]), files: [] } },
  { type: 'in-sync', trigger: 'resync', policy, verifiedBy: 'read', durationMs: 1 },
  { type: 'failed', failures: 1, trigger: 'resync', error: failure, retryInMs: 1 },
  { type: 'in-sync', trigger: 'retry', policy, verifiedBy: 'read', recovery: { failures: 1, forMs: 1 }, durationMs: 1 },
  { type: 'conflict', repairs: 21, pauseMs: 5000 },
  { ...removal, removals: 1 },
  { ...removal, removals: 2 },
  { type: 'leftovers', removed: [], failures: [failure], removals: 2 },
  { type: 'sampling-failed', error: new AgentError('TOOL_MISSING', 'no conntrack') },
  { type: 'rejudged', mode: 'udp', deleted: 3, remarks: [] },
  { type: 'rejudge-failed', error: new AgentError('NETLINK_UNAVAILABLE', 'no socket') },
  {
    type: 'pod-networks',
    warnings: [{ file: 'a', position: { file: 'a', line: 1, column: 2 }, message: 'leaves out Pods' }],
  },
  { type: 'watch-failed', reason: 'no inotify' },
  { type: 'kernel-watch-failed', reason: 'nft ended' },
  { type: 'address-watch-failed', reason: 'netlink: socket: EPERM' },
  { type: 'stopped', reason: 'SIGTERM' },
];
