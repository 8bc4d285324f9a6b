import {
  PodMonitor,
  PrometheusRule,
  ServiceMonitor,
} from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { DaemonSet } from 'kubernetes-models/apps/v1';
import { ConfigMap, Namespace, Pod, Service, ServiceAccount } from 'kubernetes-models/v1';
import type { Manifest } from './manifests.ts';

const models = [
  ...[ConfigMap, DaemonSet, Namespace, Pod, Service, ServiceAccount],
  ...[PodMonitor, PrometheusRule, ServiceMonitor],
];

/**
 * Throws where the manifest does not fit the schema of the Kubernetes API, or of the Prometheus operator's. A field that
 * the schema does not know is an error too, since the API server drops it in silence: what the check never looked at
 * was not known to it.
 */
export function checkAgainstApi(manifest: Manifest): void {
  const { apiVersion, kind } = manifest;
  const model = models.find((candidate) => candidate.apiVersion === apiVersion && candidate.kind === kind);
  if (!model) throw new Error(`no schema for ${apiVersion} ${kind}`);
  const untouched = new Set<string>();
  model.prototype.validate.call(watch(manifest, kind, untouched));
  if (untouched.size > 0) throw new Error(`the API knows no field ${[...untouched].join(', ')}`);
}

/** The same value; `untouched` holds the paths of all properties in it that were not read so far. */
function watch(value: unknown, path: string, untouched: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const members = new Map(
    Object.entries(value).map(([key, member]) => [key, watch(member, `${path}.${key}`, untouched)]),
  );
  for (const key of members.keys()) untouched.add(`${path}.${key}`);
  return new Proxy(value, {
    get(target, key) {
      if (typeof key === 'symbol' || !members.has(key)) return Reflect.get(target, key);
      untouched.delete(`${path}.${key}`);
      return members.get(key);
    },
  });
}
