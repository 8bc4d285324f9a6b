import { type Cidr, formatAddress } from '../../../../src/net/cidr.ts';
import { addressBits } from '../../../../src/net/family.ts';

const addressBitsUsed = 16;
const portBits = 15;
const firstPort = 1024;
/** Odd, so that multiplying by it modulo a power of two maps different numbers to different numbers. */
const multiplier = 0x9e3779b1;

/** Destinations of a flood into one network: scattered over it like random ones, but never the same twice. */
export class Connections {
  readonly #addresses: readonly string[];
  readonly #mask: number;

  constructor({ family, network, prefix }: Cidr) {
    const hostBits = addressBits[family] - prefix;
    const bits = Math.min(hostBits, addressBitsUsed);
    const step = 1n << BigInt(hostBits - bits);
    this.#addresses = Array.from({ length: 2 ** bits }, (_, index) =>
      formatAddress(family, network + BigInt(index) * step),
    );
    this.#mask = 2 ** (bits + portBits) - 1;
  }

  /** Where the n-th connection goes. It repeats after 2³¹ connections in a /16 (a /112 with IPv6), sooner in smaller networks. */
  nth(n: number): { readonly address: string; readonly port: number } {
    const scattered = Math.imul(n, multiplier) & this.#mask;
    const address = this.#addresses[scattered >>> portBits];
    if (address === undefined) throw new RangeError(`connection ${n} is out of range`);
    return { address, port: firstPort + (scattered & (2 ** portBits - 1)) };
  }
}
