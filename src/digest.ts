/**
 * SHA-256, in hexadecimal, of texts and bytes one after the other. OpenSSL comes with the first digest, not with the
 * program: loading it takes 4 ms, in which a start-up has its first tool at work already.
 */
export function sha256(...parts: readonly (string | Uint8Array)[]): string {
  const { createHash } = process.getBuiltinModule('node:crypto');
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
