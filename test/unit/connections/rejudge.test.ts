import { describe, expect, it } from 'vitest';
import { DeletedConnections } from '../../../src/connections/deleted-connections.ts';
import { inspectConnections } from '../../../src/connections/inspect.ts';
import { hostWith } from '../../../src/connections/local-addresses.ts';
import { countLeftBehind, type RejudgeOptions, rejudgeConnections } from '../../../src/connections/rejudge.ts';
import { AgentError } from '../../../src/errors.ts';
import type { Streamer } from '../../../src/system/run.ts';
import { policyWith } from '../../builders/policy.ts';

const policy = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'] } });
const line = (protocol: 'udp' | 'tcp', destination: string, id: number) =>
  `ipv4     2 ${protocol}      ${protocol === 'udp' ? 17 : 6} 29 src=10.244.7.2 dst=${destination} sport=4${id} dport=53 src=${destination} dst=10.244.7.2 sport=53 dport=4${id} mark=0 use=1 id=${id}\n`;

function streamerOf(text: string, exitCode = 0, stderr = ''): Streamer {
  return {
    async stream(_, onOutput) {
      onOutput(Buffer.from(text));
      return { exitCode, stderr };
    },
  };
}

/** A kernel that answers the deletions with these errors in turn. */
function kernel(...errors: readonly string[]) {
  const requests: Buffer[] = [];
  return {
    requests,
    request({ body }: { readonly body: Buffer }) {
      requests.push(body);
      return Promise.resolve({ error: errors[requests.length - 1] });
    },
  };
}

const base = {
  policy,
  readHost: () => Promise.resolve(hostWith([])),
  readNatHooks: () => Promise.resolve({ found: [], failures: [], complete: true }),
};

function optionsFor(text: string, socket: RejudgeOptions['socket'], mode: 'udp' | 'all' = 'all'): RejudgeOptions {
  return { ...base, streamer: streamerOf(text), socket, mode };
}

const table = line('udp', '203.0.113.8', 1) + line('tcp', '203.0.113.8', 2) + line('udp', '10.9.9.9', 3);

describe('rejudging', () => {
  it('deletes what is judged otherwise, of the protocols that it may', async () => {
    const all = kernel();
    expect((await rejudgeConnections(optionsFor(table, all))).report).toMatchObject({
      otherwise: { count: 2 },
      deleted: 2,
    });
    expect(all.requests.map((request) => request.readUInt32BE(request.length - 4))).toEqual([1, 2]);
    expect((await rejudgeConnections(optionsFor(table, kernel(), 'udp'))).report.deleted).toBe(1);
  });

  it('reads the table again where there are more than it remembers at once', async () => {
    const ids = [1, 2, 3, 4, 5];
    const streamer: Streamer = {
      async stream(_, onOutput) {
        const gone = new Set(all.requests.map((request) => request.readUInt32BE(request.length - 4)));
        for (const id of ids.filter((each) => !gone.has(each))) onOutput(Buffer.from(line('udp', '203.0.113.8', id)));
        return { exitCode: 0, stderr: '' };
      },
    };
    const all = kernel();
    const { report } = await rejudgeConnections({ ...optionsFor('', all), streamer, capacity: 2 });
    expect(report).toMatchObject({ otherwise: { count: 5 }, deleted: 5 });
    expect(all.requests).toHaveLength(5);
  });

  it('does not count what had ended or can’t be deleted', async () => {
    const { report, remarks } = await rejudgeConnections(optionsFor(table, kernel('ENOENT', 'EBUSY')));
    expect(report.deleted).toBe(0);
    expect(remarks).toHaveLength(1);
  });

  it('ends where the kernel forbids it', async () => {
    await expect(rejudgeConnections(optionsFor(table, kernel('EPERM')))).rejects.toMatchObject({
      code: 'NO_PERMISSION',
    });
  });

  it('is about what a change flipped, where one is named', async () => {
    const previous = policyWith({ ipv4: { keepDestinations: ['203.0.113.0/24'] } });
    const options = optionsFor(table + line('udp', '192.0.2.1', 4), kernel());
    expect((await rejudgeConnections(options)).report.deleted).toBe(3);
    expect((await rejudgeConnections({ ...options, socket: kernel(), previous })).report.deleted).toBe(2);
  });

  it('leaves to others what comes back as it was', async () => {
    const deleted = new DeletedConnections();
    const again = kernel();
    await rejudgeConnections({ ...optionsFor(table, kernel()), deleted });
    const returned = line('udp', '203.0.113.8', 5) + line('udp', '192.0.2.1', 6);
    const { report } = await rejudgeConnections({ ...optionsFor(returned, again), deleted });
    expect(report).toMatchObject({ others: 1, otherwise: { count: 1 }, deleted: 1 });
    deleted.clear();
    expect((await rejudgeConnections({ ...optionsFor(returned, kernel()), deleted })).report.deleted).toBe(2);
  });
});

it('a change leaves behind what it flips', async () => {
  const previous = policyWith({ ipv4: { keepDestinations: ['203.0.113.0/24'] } });
  const streamer = streamerOf(table + line('udp', '192.0.2.1', 4));
  expect(await countLeftBehind({ ...base, streamer, previous })).toBe(2);
  expect(await countLeftBehind({ ...base, streamer, previous: policy })).toBe(0);
});

describe('an inspection', () => {
  it.each([
    [{ found: [], failures: [new AgentError('TOOL_FAILED', 'nft is gone')], complete: true }],
    [{ found: [], failures: [], complete: false }],
  ])('names nothing where rules of other programs are not known', async (hooks) => {
    const options = { ...base, streamer: streamerOf(table), readNatHooks: () => Promise.resolve(hooks) };
    const { report, remarks } = await inspectConnections(options);
    expect(report).toMatchObject({ others: 2, otherwise: { count: 0 } });
    expect(remarks).toHaveLength(1);
  });

  it('names nothing where addresses of names are not known', async () => {
    const options = { ...base, streamer: streamerOf(table), unknownNames: ['registry.example.com'] };
    const { report, remarks } = await inspectConnections(options);
    expect(report).toMatchObject({ others: 2, otherwise: { count: 0 } });
    expect(remarks).toEqual([expect.stringContaining('registry.example.com')]);
  });

  it('says how much was not understood', async () => {
    const { report, remarks } = await inspectConnections({ ...base, streamer: streamerOf(`${table}what?\n`) });
    expect(report.total).toBe(3);
    expect(remarks).toEqual(['1 lines of conntrack were not understood']);
  });

  it.each([
    ['conntrack v1.4.7 (conntrack-tools): Operation failed: Operation not permitted', 'NO_PERMISSION'],
    ['conntrack v1.4.7 (conntrack-tools): Operation failed: invalid parameters', 'TOOL_FAILED'],
  ])('fails where conntrack says %j', async (stderr, code) => {
    await expect(inspectConnections({ ...base, streamer: streamerOf('', 1, stderr) })).rejects.toMatchObject({ code });
  });

  it('says so where conntrack is missing', async () => {
    const streamer = { stream: () => Promise.reject(new AgentError('TOOL_MISSING', 'x')) };
    await expect(inspectConnections({ ...base, streamer })).rejects.toMatchObject({
      code: 'TOOL_MISSING',
      message: 'the connections of this node are read with conntrack, which is not installed',
    });
  });
});
