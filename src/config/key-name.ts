import { nearestName } from '../text.ts';
import { type ConfigKey, configKeys } from './schema.ts';

/** Simple case folding, as the flags i and u have it, is what Go's encoding/json does: `ſ` is an s, the Kelvin sign a k. */
const patterns = configKeys.map((key) => [key, new RegExp(`^${key}$`, 'iu')] as const);

/** The key that a name stands for, in whatever letter case; undefined for an unknown one. */
export function configKeyOf(name: string): ConfigKey | undefined {
  return patterns.find(([key, pattern]) => key === name || pattern.test(name))?.[0];
}

/** The key that an unknown name was perhaps meant to be. */
export function nearestConfigKey(name: string): ConfigKey | undefined {
  return nearestName(name, configKeys);
}
