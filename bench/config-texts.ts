/** A network that the configs of a measurement keep or masquerade in turn. */
export const toggledNetwork = '100.64.0.0/16';

const firstAddress = 16 * 2 ** 24;
const step = 512;

/** As many /24 networks, none next to another, so that no two of them can be merged. */
export function networks(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const address = firstAddress + index * step;
    return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.0/24`;
  });
}

/** A config that every agent of this kind understands. */
export function configText(cidrs: readonly string[], resyncInterval = '60s'): string {
  const entries = cidrs.map((cidr) => `  - ${cidr}\n`).join('');
  return `nonMasqueradeCIDRs:\n${entries}cidrLimit: 100000\nresyncInterval: ${resyncInterval}\n`;
}
