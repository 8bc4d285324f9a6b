import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';

const fixtures = new URL('../fixtures/', import.meta.url);

const recordedConfigs = z.array(z.object({ config: z.string().nullish() }));
const recordedRuns = z.array(z.object({ command: z.string(), stdout: z.string(), stderr: z.string() }));

/** Config texts that people and other tests have written, good and bad ones. */
export function configTexts(): readonly string[] {
  const recorded = ['upstream-v2.12.6-cases.json', 'config/go-answers.json']
    .flatMap((name) => recordedConfigs.parse(JSON.parse(read(name))))
    .flatMap(({ config }) => config ?? []);
  const mistakes = namesIn('config/mistakes/').map((name) => read(`config/mistakes/${name}`));
  const manifests = namesIn('../../deploy/kubernetes/').map((name) => read(`../../deploy/kubernetes/${name}`));
  return [...recorded, ...mistakes, ...manifests];
}

/** What real tools printed in a node with our rules and with others': listings, and complaints. */
export interface ToolTexts {
  readonly listings: readonly string[];
  readonly complaints: readonly string[];
}

export function toolTexts(tools: 'nft' | 'iptables'): ToolTexts {
  const runs = recordedRuns.parse(JSON.parse(read(`tool-output/${tools}.json`)));
  const told = (texts: readonly string[]): readonly string[] => [...new Set(texts)].filter((text) => text !== '');
  return {
    listings: [...told(runs.map(({ stdout }) => stdout)), ...otherListings[tools]],
    complaints: [...told(runs.map(({ stderr }) => stderr)), ...otherComplaints[tools]],
  };
}

/** Names that only nft's JSON can tell, beside the listing in text that leads there. */
const otherListings = {
  nft: [
    'table inet ip-masq-agent {\n\tset s p {\n\t\ttype ipv4_addr\n\t}\n\n\tchain a b {\n\t}\n}\n',
    '{"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}}, {"set": {"family": "inet", "name": "s p", "table": "ip-masq-agent", "type": "ipv4_addr", "handle": 5}}, {"chain": {"family": "inet", "table": "ip-masq-agent", "name": "a b", "handle": 2}}, {"rule": {"family": "inet", "table": "ip-masq-agent", "chain": "a b", "handle": 9, "expr": [{"accept": null}]}}]}\n',
  ],
  iptables: [],
} as const;

/** From other versions, and of faults that can't be had at will. */
const otherComplaints = {
  nft: [
    '/dev/stdin:3:4-9: Error: Could not process rule: No such file or directory\n\tjump policy\n\t^^^^^^\n',
    '/dev/stdin:1:1-2: Error: syntax error, unexpected string\n',
    'Operation not permitted (you must be root)\n',
    'netlink: Error: Could not process rule: No buffer space available\n',
    'Error: Could not process rule: Cannot allocate memory\n',
    'Error: cache initialization failed: Interrupted system call\n',
    'internal:0:0-0: Error: Could not open file "/dev/stdin": No such file or directory\n',
    'src/mnl.c:60: Unable to initialize Netlink socket: Protocol not supported\n',
  ],
  iptables: [
    'Another app is currently holding the xtables lock. Stopped waiting after 5s.\n',
    "Fatal: can't open lock file /run/xtables.lock: Permission denied\n",
    "iptables-restore v1.8.9 (legacy): Couldn't load target `X':No such file or directory\n\nError occurred at line: 4\n",
    'iptables-nft-restore: line 7 failed\n',
    "iptables v1.8.9 (nf_tables): table `nat' is incompatible, use 'nft' tool.\n",
    'iptables v1.8.9 (nf_tables):  RULE_APPEND failed (No such file or directory): rule in chain X\n',
    "modprobe: FATAL: Module ip_tables not found\niptables v1.8.9 (legacy): can't initialize iptables table `nat': Table does not exist (do you need to insmod?)\nPerhaps iptables or your kernel needs to be upgraded.\n",
    'iptables-restore: Memory allocation problem.\n',
  ],
} as const;

function namesIn(directory: string): readonly string[] {
  return readdirSync(new URL(directory, fixtures)).filter((name) => /\.(?:yaml|json)$/.test(name));
}

function read(name: string): string {
  return readFileSync(new URL(name, fixtures), 'utf8');
}
