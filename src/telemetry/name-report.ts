import type { NameAnswer } from '../names/name-watch.ts';
import { formatAddress } from '../net/cidr.ts';

/**
 * What a name is to the rules: `resolved`; `stale`, where DNS gives no answer just now and the addresses of its last one
 * stay; `idle`, where it stands for no address; `pending`, before the first answer or failure.
 */
export const nameStates = ['resolved', 'stale', 'idle', 'pending'] as const;

export type NameStatus = (typeof nameStates)[number];

export function statusOfName({ addresses, isAnswered, failure }: NameAnswer): NameStatus {
  if (!isAnswered && failure === undefined) return 'pending';
  if (addresses.length === 0) return 'idle';
  return failure === undefined ? 'resolved' : 'stale';
}

/** Why a name stands for nothing, or for what it stood for before. */
export function troubleOfName({ failure }: NameAnswer): string {
  return failure ?? 'it has no address';
}

/** `203.0.113.7, 2001:db8::7`, shortened. */
export function describeAddresses({ addresses }: Pick<NameAnswer, 'addresses'>): string {
  const texts = addresses.slice(0, shownAddresses).map(({ family, value }) => formatAddress(family, value));
  const more = addresses.length - texts.length;
  return [...texts, ...(more > 0 ? [`and ${more} more`] : [])].join(', ') || 'none';
}

const shownAddresses = 8;
