import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/digest.ts';

describe('sha256', () => {
  it('gives the digest of FIPS 180-2', () => {
    expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('takes texts and bytes one after the other', () => {
    expect(sha256('a', Buffer.from('b'), 'c')).toBe(sha256('abc'));
  });
});
