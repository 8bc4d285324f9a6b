import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ConfigMapVolume } from '../kernel/harness/config-map-volume.ts';
import type { Volume } from './pod-spec.ts';

/** The ConfigMaps of the namespace: their data by name. */
export type ConfigMaps = Readonly<Record<string, Readonly<Record<string, string>>>>;

type Source = Extract<Volume, { configMap: unknown }>['configMap'];

/** Brings a volume of ConfigMaps up to date with them, as the kubelet does. */
export async function fillVolume(volume: Volume, directory: ConfigMapVolume, configMaps: ConfigMaps): Promise<void> {
  if ('hostPath' in volume) return;
  const sources = 'configMap' in volume ? [volume.configMap] : volume.projected.sources.map((each) => each.configMap);
  await directory.write(Object.assign({}, ...sources.map((source) => filesOf(source, configMaps))));
}

/** The files that a source puts into its volume (kubernetes pkg/volume/projected): absent is empty where optional. */
function filesOf(source: Source, configMaps: ConfigMaps): Record<string, string> {
  const data = configMaps[source.name];
  if (data === undefined && !source.optional) throw new Error(`the Pod waits for the ConfigMap ${source.name}`);
  const present = data ?? {};
  if (source.items === undefined) return { ...present };
  const files: Record<string, string> = {};
  for (const { key, path } of source.items) {
    const text = present[key];
    if (text !== undefined) files[path] = text;
    else if (!source.optional) throw new Error(`the Pod waits for the key ${key} of the ConfigMap ${source.name}`);
  }
  return files;
}

/** The stand-in for a file or directory of the node, made where it is missing: tests have a directory for each node. */
export async function hostPath(
  { path, type }: Extract<Volume, { hostPath: unknown }>['hostPath'],
  nodeDirectory: string,
): Promise<string> {
  const place = join(nodeDirectory, basename(path));
  if (type === 'FileOrCreate') await writeFile(place, '', { flag: 'a' });
  else await mkdir(place, { recursive: true });
  return place;
}
