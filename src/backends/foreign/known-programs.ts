/** Programs that masquerade, by what their chains, tables and comments are called, and how to tell them not to. */
const programs: readonly (readonly [RegExp, string])[] = [
  [/kubenet|SNAT for outbound traffic from cluster/, "the kubelet's --non-masquerade-cidr; 0.0.0.0/0 turns it off"],
  [/\bIP-MASQ\b|ip-masq: /, 'the default SNAT of GKE; --disable-default-snat turns it off'],
  [/\bCNI-|cni_plugins_masquerade/, 'a CNI plugin; "ipMasq": false in its network configuration turns it off'],
  [/docker|\bbr-[0-9a-f]{12}\b/i, 'Docker, for the networks of its own containers'],
  [/flannel/i, 'flannel; starting it without --ip-masq turns it off'],
  [/\bcali/, 'Calico; natOutgoing: false in its IP pools turns it off'],
  [/CILIUM/i, 'Cilium; enable-ipv4-masquerade: "false" turns it off'],
  [/AWS-SNAT/, 'the AWS VPC CNI; AWS_VPC_K8S_CNI_EXTERNALSNAT=true turns it off'],
  [/kindnet|KIND-MASQ/i, 'kindnet'],
  [/netavark/i, 'Podman, for the networks of its own containers'],
  [/LIBVIRT|virbr/i, 'libvirt, for the networks of its virtual machines'],
  [/firewalld/, 'firewalld, for a zone with masquerading'],
];

/** Who made a rule, as far as its place and text tell. */
export function noteOn(place: string, rule: string): string {
  return programs.find(([pattern]) => pattern.test(`${place} ${rule}`))?.[1] ?? 'another program or the administrator';
}

/**
 * kube-proxy's (and, before it, the kubelet's) chain and table, and the portmap plugin's: they masquerade by a mark that
 * they set on nothing but connections whose destination they translate.
 */
const serviceChains = new Set(['KUBE-POSTROUTING', 'CNI-HOSTPORT-MASQ']);
const serviceTables = new Set(['kube-proxy', 'cni_hostport']);

/** Whether a chain of iptables, or a table of nft such as `ip kube-proxy`, is about Services and host ports only. */
export function concernsServicesOnly({ chain = '', table = '' }: { chain?: string; table?: string }): boolean {
  return serviceChains.has(chain) || serviceTables.has(table.split(' ')[1] ?? '');
}
