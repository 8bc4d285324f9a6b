import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';
import { feedTool, tool } from '../container/tool.ts';
import { helmPath, kubectlPath } from './kubernetes-tools.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const kustomization = `${root}deploy/kubernetes`;
export const chart = `${root}deploy/helm/ip-masq-agent`;

const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    annotations: z.record(z.string(), z.string()).optional(),
    labels: z.record(z.string(), z.string()).optional(),
  }),
});

/** An object of Kubernetes as it is written in a manifest. */
export type Manifest = z.infer<typeof objectSchema>;

/** Every object of a multi-document text. */
export function parseManifests(text: string): Manifest[] {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return [];
  return documents.map((document) => objectSchema.parse(document.toJS({ mapAsMap: false })));
}

export function readManifests(file: string): Manifest[] {
  return parseManifests(readFileSync(file, 'utf8'));
}

export async function renderKustomization(directory = kustomization): Promise<Manifest[]> {
  return parseManifests(await tool(kubectlPath, 'kustomize', directory));
}

/** Renders the chart; `values` is a text as of a values file. */
export async function renderChart(values = ''): Promise<Manifest[]> {
  const line = ['template', 'ip-masq-agent', chart, '--namespace', 'kube-system', '--values', '-'];
  return parseManifests(await feedTool(values, helmPath, ...line));
}

/** The one object of that kind (and name). */
export function only(manifests: readonly Manifest[], kind: string, name?: string): Manifest {
  const found = manifests.filter(
    (candidate) => candidate.kind === kind && (name === undefined || candidate.metadata.name === name),
  );
  const [manifest] = found;
  if (manifest === undefined || found.length > 1) throw new Error(`expected one ${kind}, found ${found.length}`);
  return manifest;
}

/** Without what `helm test` alone makes. */
export function installed(manifests: readonly Manifest[]): Manifest[] {
  return manifests.filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] === undefined);
}
