import * as z from 'zod';
import { image } from '../image/build-image.ts';
import type { Cluster } from './cluster.ts';
import { program } from './programs.ts';

const namespace = ['--namespace', 'kube-system'];
const daemonSet = 'daemonset/ip-masq-agent';
const selector = ['--selector', 'k8s-app=ip-masq-agent'];

const podList = z.object({
  items: z.array(
    z.object({ metadata: z.object({ name: z.string(), uid: z.string(), deletionTimestamp: z.string().optional() }) }),
  ),
});

/** The ConfigMap that the agent reads, as a manifest. */
export function configMap(config: string): string {
  const metadata = { name: 'ip-masq-agent-config', namespace: 'kube-system' };
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { config } });
}

/** The agent as users have it on a cluster: what they do to it with kubectl. */
export class AgentOnCluster {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** `kubectl apply -k`, with the image under test in place of the one that is named there. */
  async apply(kustomization: string): Promise<void> {
    await this.#cluster.feedKubectl(await this.#render(kustomization), 'apply', '-f', '-');
  }

  /** `kubectl delete -k`; resolves when the Pods are gone too, and their port with them. */
  async delete(kustomization: string): Promise<void> {
    const manifests = await this.#render(kustomization);
    await this.#cluster.feedKubectl(manifests, 'delete', '--ignore-not-found', '--wait', '-f', '-');
    await this.gone();
  }

  /** Resolves when no Pod of the agent is left. */
  async gone(): Promise<void> {
    const pods = await this.kubectl('get', 'pods', ...selector, '--output=name');
    if (pods !== '') await this.kubectl('wait', '--for=delete', 'pods', ...selector, '--timeout=120s');
  }

  /** Resolves when `kubectl rollout status` says that every node has its new Pod, Ready. */
  rollout(): Promise<string> {
    return this.kubectl('rollout', 'status', daemonSet, '--timeout=120s');
  }

  async restart(): Promise<void> {
    await this.kubectl('rollout', 'restart', daemonSet);
    await this.rollout();
  }

  /** The Pod that is not about to go. */
  async pod(): Promise<{ name: string; uid: string }> {
    const { items } = podList.parse(JSON.parse(await this.kubectl('get', 'pods', ...selector, '--output=json')));
    const [pod, ...others] = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    if (pod === undefined || others.length > 0) throw new Error(`expected one Pod, found ${others.length}`);
    return pod.metadata;
  }

  async logs(): Promise<string> {
    return this.kubectl('logs', (await this.pod()).name);
  }

  /** `kubectl exec`: a command of the agent beside the one that runs. */
  async exec(...args: string[]): Promise<string> {
    return this.kubectl('exec', (await this.pod()).name, '--', 'ip-masq-agent', ...args);
  }

  /** `kubectl exec -i`, with a text for its standard input. */
  async feed(input: string, ...args: string[]): Promise<string> {
    const line = ['exec', '--stdin', (await this.pod()).name, '--', 'ip-masq-agent', ...args];
    return this.#cluster.feedKubectl(input, ...namespace, ...line);
  }

  /** Writes the ConfigMap, and has the kubelet write its file soon. */
  async configure(config: string): Promise<void> {
    await this.#cluster.feedKubectl(configMap(config), 'apply', '-f', '-');
    await this.nudge();
  }

  async deleteConfig(): Promise<void> {
    await this.kubectl('delete', 'configmap', 'ip-masq-agent-config');
    await this.nudge();
  }

  /** A new annotation has the kubelet look at the volumes of the Pods, as the documents advise. */
  async nudge(): Promise<void> {
    await this.kubectl('annotate', 'pods', ...selector, '--overwrite', `config-written=${Date.now()}`);
  }

  /** Runs kubectl in the namespace of the agent. */
  kubectl(...args: string[]): Promise<string> {
    return this.#cluster.kubectl(...namespace, ...args);
  }

  async #render(kustomization: string): Promise<string> {
    const manifests = await this.#cluster.run(program('kubectl'), 'kustomize', kustomization);
    return manifests.replaceAll(/image: ip-masq-agent:\S+/g, `image: ${image}`);
  }
}
