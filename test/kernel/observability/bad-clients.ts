import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Namespace } from '../harness/namespace.ts';

/**
 * Opens connections until no more are taken: a third says nothing, a third stops in the middle of a header, and a
 * third asks for a page again and again but never reads. Those that are closed are opened anew.
 */
const script = `
  import { connect } from 'node:net';
  const [, host, port, path] = process.argv;
  const open = (kind) => {
    const socket = connect(Number(port), host, () => {
      if (kind === 1) socket.write('GET ' + path + ' HTTP/1.1\\r\\nHost: a\\r\\nX-Slow: ');
      if (kind === 2) socket.write('GET ' + path + ' HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'.repeat(50));
    });
    socket.pause();
    socket.on('error', () => {});
    socket.on('close', () => setTimeout(open, 20, kind));
  };
  for (let index = 0; index < 60; index++) open(index % 3);
  setTimeout(() => console.log('open'), 500);
`;

/** Clients that do to a server what they should not, until they are killed. */
export async function startBadClients(
  namespace: Namespace,
  host: string,
  port: number,
  path: string,
): Promise<ChildProcess> {
  const args = ['--input-type=module', '--eval', script, host, String(port), path];
  const { tool, args: line } = namespace.inside(process.execPath, args);
  const child = spawn(tool, line, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}
