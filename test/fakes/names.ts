import type { StartNames } from '../../src/agent/names.ts';
import type { AskDns } from '../../src/names/ask.ts';
import { NameWatch } from '../../src/names/name-watch.ts';

/** The names of an agent that asks this DNS for IPv4 addresses. */
export function namesBy(ask: AskDns): StartNames {
  return (onChange) => new NameWatch({ ask, families: ['ipv4'], onChange });
}
