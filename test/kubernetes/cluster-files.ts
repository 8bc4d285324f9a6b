import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tool } from '../container/tool.ts';
import { pauseImage } from './programs.ts';

/** Where the Pods of the cluster have their addresses. */
export const podNetwork = '10.250.0.0/24';

/** Writes what the parts of a cluster read into the directory, in which containerd and the CNI also keep their state. */
export async function writeClusterFiles(directory: string): Promise<void> {
  const path = (name: string) => join(directory, name);
  await mkdir(path('cni'), { recursive: true });
  await tool('openssl', 'genrsa', '-out', path('service-accounts.key'), '2048');
  // Without any credentials kubectl asks for a name.
  await writeFile(path('tokens.csv'), 'test,test,test,system:masters\n');
  await writeFile(path('kubeconfig'), kubeconfig);
  await writeFile(path('containerd.toml'), containerdConfig(path));
  await writeFile(path('resolv.conf'), 'nameserver 192.0.2.53\n');
  await writeFile(path('kubelet.yaml'), kubeletConfig(path));
  await writeFile(path('cni/10-test.conflist'), JSON.stringify(cniConfig(path('ipam'))));
}

const kubeconfig = `apiVersion: v1
kind: Config
clusters: [{ name: test, cluster: { server: 'https://127.0.0.1:6443', insecure-skip-tls-verify: true } }]
users: [{ name: test, user: { token: test } }]
contexts: [{ name: test, context: { cluster: test, user: test } }]
current-context: test
`;

/** The score of the OOM killer is restricted where this root lacks CAP_SYS_RESOURCE. */
function containerdConfig(path: (name: string) => string): string {
  return `version = 2
root = "${path('containerd')}"
state = "${path('containerd-state')}"
[grpc]
  address = "${path('containerd.sock')}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${path('containerd-opt')}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${path('cni')}"
`;
}

/** It evicts nothing, however full the disk of the machine is. */
function kubeletConfig(path: (name: string) => string): string {
  return `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: { anonymous: { enabled: true }, webhook: { enabled: false } }
authorization: { mode: AlwaysAllow }
cgroupDriver: cgroupfs
cgroupRoot: /
enforceNodeAllocatable: []
failSwapOn: false
evictionHard: { memory.available: '0%', nodefs.available: '0%', imagefs.available: '0%', nodefs.inodesFree: '0%' }
syncFrequency: 5s
resolvConf: ${path('resolv.conf')}
volumePluginDir: ${path('volume-plugins')}
`;
}

function cniConfig(dataDir: string) {
  const ipam = { type: 'host-local', ranges: [[{ subnet: podNetwork }]], routes: [{ dst: '0.0.0.0/0' }], dataDir };
  return {
    cniVersion: '0.4.0',
    name: 'test',
    plugins: [
      { type: 'bridge', bridge: 'cni0', isGateway: true, ipMasq: false, ipam },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
}
