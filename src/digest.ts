import { sha256 as createSha256 } from '@noble/hashes/sha2.js';

/**
 * SHA-256, in hexadecimal, of texts and bytes one after the other. Not Node's own, which brings all of OpenSSL into
 * memory: 4 MB for a few kilobytes to be hashed now and then.
 */
export function sha256(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createSha256.create();
  for (const part of parts) hash.update(typeof part === 'string' ? Buffer.from(part) : part);
  return Buffer.from(hash.digest()).toString('hex');
}
