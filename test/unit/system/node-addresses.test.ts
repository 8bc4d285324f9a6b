import { describe, expect, it } from 'vitest';
import { flagsOfIPv6, listNodeAddresses } from '../../../src/system/node-addresses.ts';

describe('the addresses of this node', () => {
  it('have their loopback among them, which is good nowhere else', async () => {
    const addresses = await listNodeAddresses();
    expect(addresses).toContainEqual(
      expect.objectContaining({ family: 'ipv4', value: (127n << 24n) | 1n, isLoopback: true, isGlobal: false }),
    );
  });

  it('are tentative, deprecated or temporary as the kernel says', () => {
    const text = `fe800000000000000000000000000001 02 40 20 80     eth0
20010db8000000000000000000000001 02 40 00 21     eth0
`;
    expect(flagsOfIPv6(text)).toEqual(
      new Map([
        [(0xfe80n << 112n) | 1n, 0x80],
        [(0x20010db8n << 96n) | 1n, 0x21],
      ]),
    );
  });
});
