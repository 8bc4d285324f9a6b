import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMap, isScalar, type Pair, parseDocument, stringify, type YAMLMap } from 'yaml';

const chart = fileURLToPath(new URL('../deploy/helm/ip-masq-agent/', import.meta.url));
export const chartReadmeFile = `${chart}README.md`;

/** A value that can be set: its path, the default as it is shown, what it does. */
export interface Value {
  readonly key: string;
  readonly preset: string;
  readonly description: string;
}

/**
 * The README of the chart, with a row for each value. Comments are in the form of helm-docs: `# -- text` above a value is
 * its description, `# @default -- text` stands for a default that is too long to show. Throws where a value has none.
 */
export function chartReadme(): string {
  const rows = chartValues().map(
    ({ key, preset, description }) => `| \`${key}\` | ${preset} | ${description.replaceAll('|', '\\|')} |`,
  );
  return `${introduction}
## Values

| value | default | |
| --- | --- | --- |
${rows.join('\n')}
`;
}

/** Every value of the chart; throws where one has no description. */
export function chartValues(): Value[] {
  const { contents } = parseDocument(readFileSync(`${chart}values.yaml`, 'utf8'));
  if (!isMap(contents)) throw new Error('values.yaml is no mapping');
  return valuesOf(contents, '');
}

function valuesOf(map: YAMLMap, prefix: string): Value[] {
  return map.items.flatMap((pair, index) => {
    const key = `${prefix}${String(pair.key)}`;
    // The parser gives what stands above the first pair of a mapping to the mapping.
    const above = commentOf(pair) ?? (index === 0 ? map.commentBefore : undefined) ?? '';
    const [, description] = /(?:^|\n) -- (.*?)(?=\n @default|$)/s.exec(above) ?? [];
    if (description === undefined) {
      if (isMap(pair.value) && pair.value.items.length > 0) return valuesOf(pair.value, `${key}.`);
      throw new Error(`values.yaml: ${key} has no description`);
    }
    const [, preset = `\`${shown(pair.value)}\``] = /\n @default -- (.*)/.exec(above) ?? [];
    return [{ key, preset, description: description.replaceAll(/\s*\n\s*/g, ' ').trim() }];
  });
}

function commentOf({ key }: Pair): string | undefined {
  return isScalar(key) ? (key.commentBefore ?? undefined) : undefined;
}

function shown(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
}

const introduction = `# ip-masq-agent

<!-- Made from values.yaml by scripts/chart-readme.ts: change that, not this. -->

Decides which connections leaving a Kubernetes node keep their Pod address and which are masqueraded. One release serves one
cluster; install it into \`kube-system\`, where the ConfigMaps of clouds are:

\`\`\`sh
helm install ip-masq-agent deploy/helm/ip-masq-agent --namespace kube-system --set image.repository=REGISTRY/ip-masq-agent
helm test ip-masq-agent --namespace kube-system   # is the ConfigMap valid, and does it judge as the values do?
\`\`\`

- **The ConfigMap exists already**, as in every migration: add \`--set configMap.create=false\`. Helm refuses to take over what
  it did not make ("cannot be imported"), and the agent reads the ConfigMap whoever made it.
- **Another namespace** has to admit Pods of Pod Security's level \`privileged\`, since the agent uses the host's network,
  NET_ADMIN and NET_RAW, and one file of the host: \`kubectl apply -f deploy/kubernetes/namespace.yaml\`, or label yours
  \`pod-security.kubernetes.io/enforce=privileged\`.
- **A change of the ConfigMap** reaches the nodes within about a minute, or at once when the Pods are annotated:
  \`kubectl -n kube-system annotate pods -l k8s-app=ip-masq-agent config-written="$(date +%s)" --overwrite\`.
- **To try something on one node pool**, label its nodes (\`pool=canary\`), have the first release leave them
  (\`--set excludeNodes.pool=canary\`), then install a second one with a name, a ConfigMap and nodes of its own:

  \`\`\`sh
  helm install ip-masq-agent-canary deploy/helm/ip-masq-agent --namespace kube-system \\
    --set nameOverride=ip-masq-agent-canary,configMap.name=ip-masq-agent-canary,nodeSelector.pool=canary
  \`\`\`

  The rules stay in the kernel while a node changes hands.
- **To take masquerading away**, \`helm upgrade … --reuse-values --set cleanup=true\`, wait for \`kubectl rollout status\`, then
  uninstall. Without that, the rules stay.
`;

if (import.meta.main) writeFileSync(chartReadmeFile, chartReadme());
