import { z } from 'zod';
import { type Namespace, namespaceRunner } from './namespace.ts';

/** An ICMP echo request to be sent. */
export interface Echo {
  readonly source: string;
  readonly destination: string;
}

const table = 'inet echo-observer';
/** The observer tells the requests of a batch apart by their size, which no NAT changes. */
const smallestPayload = 16;
const largestBatch = 1024;
const pingsAtOnce = 8;
const headers = { ipv4: 28, ipv6: 8 } as const;

const observerRules = `
table ${table} {
  set ipv4 { typeof ip saddr . ip length; size 65535; flags dynamic; }
  set ipv6 { typeof ip6 saddr . ip6 length; size 65535; flags dynamic; }
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    icmp type echo-request add @ipv4 { ip saddr . ip length }
    icmpv6 type echo-request add @ipv6 { ip6 saddr . ip6 length }
  }
}
`;

const listing = z.object({ nftables: z.array(z.object({ set: z.unknown().optional() })) });
const set = z.object({
  elem: z.array(z.object({ concat: z.tuple([z.string(), z.number()]) })).default([]),
});

/** Sends ICMP echo requests and gives, for each, the source address that the observer saw; undefined for a lost one. */
export async function sendEchoes(
  sender: Namespace,
  observer: Namespace,
  echoes: readonly Echo[],
): Promise<(string | undefined)[]> {
  const sources: (string | undefined)[] = [];
  for (let start = 0; start < echoes.length; start += largestBatch) {
    sources.push(...(await sendBatch(sender, observer, echoes.slice(start, start + largestBatch))));
  }
  return sources;
}

async function sendBatch(sender: Namespace, observer: Namespace, echoes: readonly Echo[]) {
  await observer.feed(observerRules, 'nft', '--file', '-');
  const queue = echoes.entries();
  const work = async () => {
    for (const [index, echo] of queue) await ping(sender, echo, smallestPayload + index);
  };
  await Promise.all(Array.from({ length: pingsAtOnce }, work));
  const seen = {
    ipv4: await readSet(observer, 'ipv4'),
    ipv6: await readSet(observer, 'ipv6'),
  };
  await observer.run('nft', 'delete', 'table', ...table.split(' '));
  return echoes.map(({ destination }, index) => {
    const family = destination.includes(':') ? 'ipv6' : 'ipv4';
    return seen[family].get(smallestPayload + index + headers[family]);
  });
}

async function ping(sender: Namespace, { source, destination }: Echo, size: number): Promise<void> {
  const args = ['-n', '-q', '-c', '1', '-W', '1', '-I', source, '-s', String(size), destination];
  const { exitCode, stderr } = await namespaceRunner(sender).run({ tool: 'ping', args });
  // 1 means without a reply; whether the request arrived is for the observer to say.
  if (exitCode > 1) throw new Error(`ping ${args.join(' ')}: ${stderr}`);
}

/** Source addresses by the length of the packet. */
async function readSet(observer: Namespace, name: string): Promise<Map<number, string>> {
  const text = await observer.run('nft', '--json', 'list', 'set', ...table.split(' '), name);
  const found = listing.parse(JSON.parse(text)).nftables.flatMap((entry) => (entry.set ? [set.parse(entry.set)] : []));
  return new Map(found.flatMap(({ elem }) => elem.map(({ concat: [address, length] }) => [length, address])));
}
