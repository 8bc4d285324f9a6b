/** The two address families, named as the metrics and the logs name them. */
export type Family = 'ipv4' | 'ipv6';

export const families: readonly Family[] = ['ipv4', 'ipv6'];

/** Address length in bits. */
export const addressBits: Readonly<Record<Family, number>> = { ipv4: 32, ipv6: 128 };
