import { AgentError } from '../errors.ts';

/** As much as a config may have. */
const maximumSize = 8 * 1024 * 1024;

/** All of standard input. Throws CONFIG_UNREADABLE where that is more than a config may have. */
export async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > maximumSize) throw new AgentError('CONFIG_UNREADABLE', 'standard input has more than 8 MiB');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
