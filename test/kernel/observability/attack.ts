import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Namespace } from '../harness/namespace.ts';

/** What hostile clients do with each connection; whatever is closed they open anew. */
export interface Attack {
  /** `idle`: send nothing. `slow`: send a byte of the request now and then. `flood`: send it over and over, and read nothing. */
  readonly kind: 'idle' | 'slow' | 'flood';
  readonly connections: number;
  readonly request: string;
}

/** Becomes an unprivileged user once it has been read, wherever the sources lie. */
const script = `
  import { connect } from 'node:net';
  process.setgroups([]);
  process.setgid(65534);
  process.setuid(65534);
  const [, kind, connections, request, ...addresses] = process.argv;
  const flood = Buffer.from(request.repeat(Math.ceil(65536 / request.length)));
  const behaviour = {
    idle: () => undefined,
    slow(socket) {
      let sent = 0;
      const timer = setInterval(() => socket.write(request[sent++ % (request.length - 2)]), 100);
      socket.on('close', () => clearInterval(timer));
    },
    flood(socket) {
      socket.pause();
      const send = () => { while (socket.writable && socket.write(flood)); };
      socket.on('drain', send);
      send();
    },
  };
  const open = (port, host) => {
    const socket = connect(port, host, () => behaviour[kind](socket));
    socket.on('error', () => undefined);
    socket.on('close', () => setTimeout(open, 5, port, host));
  };
  for (const address of addresses) {
    const [host, port] = address.split(':');
    for (let index = 0; index < Number(connections); index++) open(Number(port), host);
  }
  setTimeout(() => console.log('under way'), 300);
`;

/** Attacks these addresses, host:port, each with so many connections, until it is killed. */
export async function startAttack(
  namespace: Namespace,
  { kind, connections, request }: Attack,
  addresses: readonly string[],
): Promise<ChildProcess> {
  const args = ['--input-type=module', '--eval', script, kind, String(connections), request, ...addresses];
  return startScript(namespace, args);
}

/** Asks for a page again and again, as the kubelet does, until it is told to tell how it went. */
const probeScript = `
  import { request } from 'node:http';
  const [, url] = process.argv;
  const failures = [];
  let [probes, slowestMs] = [0, 0];
  const probe = () => new Promise((resolve) => {
    const asked = performance.now();
    const done = (failure) => {
      probes++;
      slowestMs = Math.max(slowestMs, performance.now() - asked);
      if (failure) failures.push(failure);
      resolve();
    };
    request(url, { agent: false, timeout: 10_000 }, (answer) => {
      answer.resume().on('end', () => done(answer.statusCode === 200 ? undefined : 'status ' + answer.statusCode));
    }).on('error', ({ message }) => done(message)).on('timeout', function () { this.destroy(); }).end();
  });
  let over = false;
  process.stdin.on('data', () => { over = true; });
  await probe();
  console.log('under way');
  while (!over) {
    await probe();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  console.log(JSON.stringify({ probes, slowestMs: Math.round(slowestMs), failures }));
  process.exit();
`;

/** How probes of the health went. */
export interface Probes {
  readonly probes: number;
  readonly slowestMs: number;
  readonly failures: readonly string[];
}

/** Probes a page until the function that it gives is called, which tells how it went. */
export async function startProbes(namespace: Namespace, url: string): Promise<() => Promise<Probes>> {
  const child = await startScript(namespace, ['--input-type=module', '--eval', probeScript, url]);
  return async () => {
    child.stdin?.write('\n');
    const [line] = await once(child.stdout ?? child, 'data');
    return JSON.parse(String(line));
  };
}

async function startScript(namespace: Namespace, args: readonly string[]): Promise<ChildProcess> {
  const { tool, args: line } = namespace.inside(process.execPath, args);
  const child = spawn(tool, line, { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}
