import * as z from 'zod';
import type { Manifest } from '../deploy/manifests.ts';

/*
 * The part of a Pod's spec that the kubelet stand-in knows. Nothing else is let through: a field that it does not act
 * upon must not be in a spec that it runs, unless it is listed as one that says where and when to run, not how.
 */

const items = z.array(z.strictObject({ key: z.string(), path: z.string(), mode: z.int().optional() }));

const configMapSource = z.strictObject({
  name: z.string(),
  optional: z.boolean().default(false),
  items: items.optional(),
});

const volume = z.union([
  z.strictObject({ name: z.string(), configMap: configMapSource }),
  z.strictObject({
    name: z.string(),
    projected: z.strictObject({ sources: z.array(z.strictObject({ configMap: configMapSource })) }),
  }),
  z.strictObject({
    name: z.string(),
    hostPath: z.strictObject({ path: z.string(), type: z.literal('FileOrCreate').optional() }),
  }),
]);

const probe = z.object({
  httpGet: z.strictObject({ host: z.string(), port: z.int(), path: z.string() }),
});

const container = z.strictObject({
  name: z.string(),
  image: z.string(),
  // Nothing to pull: the image under test takes its place.
  imagePullPolicy: z.unknown().optional(),
  command: z.tuple([z.string()]).optional(),
  args: z.array(z.string()).default([]),
  env: z
    .array(
      z.strictObject({
        name: z.string(),
        valueFrom: z.strictObject({ fieldRef: z.strictObject({ fieldPath: z.literal('status.hostIP') }) }),
      }),
    )
    .default([]),
  securityContext: z.strictObject({
    privileged: z.boolean().default(false),
    allowPrivilegeEscalation: z.boolean().default(true),
    readOnlyRootFilesystem: z.boolean().default(false),
    capabilities: z.strictObject({
      drop: z.array(z.string()).default([]),
      add: z.array(z.string()).default([]),
    }),
  }),
  resources: z.strictObject({ requests: z.unknown(), limits: z.strictObject({ memory: z.string() }) }).optional(),
  startupProbe: probe.optional(),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
  volumeMounts: z.array(
    z.strictObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().default(false) }),
  ),
  ports: z.unknown().optional(),
});

const podSpec = z.strictObject({
  hostNetwork: z.literal(true),
  securityContext: z.strictObject({ seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }) }).optional(),
  containers: z.tuple([container]),
  volumes: z.array(volume),
  // Where and when.
  affinity: z.unknown().optional(),
  nodeSelector: z.unknown().optional(),
  tolerations: z.unknown().optional(),
  priorityClassName: z.unknown().optional(),
  terminationGracePeriodSeconds: z.unknown().optional(),
  // Nothing to give: there is no API server.
  serviceAccountName: z.string().optional(),
  automountServiceAccountToken: z.literal(false).optional(),
  enableServiceLinks: z.literal(false).optional(),
});

const daemonSet = z.object({
  metadata: z.object({ namespace: z.string() }),
  spec: z.object({ template: z.object({ spec: podSpec }) }),
});

export type PodSpec = z.infer<typeof podSpec>;
export type Container = z.infer<typeof container>;
export type Volume = z.infer<typeof volume>;
export type Probe = z.infer<typeof probe>;

/** The spec of the Pods of a DaemonSet. */
export function podSpecOf(manifest: Manifest): PodSpec {
  return daemonSet.parse(manifest).spec.template.spec;
}
