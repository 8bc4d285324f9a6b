/**
 * The text of a table in the shape that kube-proxy's nftables mode writes (pkg/proxy/nftables/proxier.go): for each
 * service a chain that picks an endpoint and a chain for the endpoint, reached through one verdict map. It is no source
 * NAT of what the agent judges, only large: 5,000 services are 10,000 chains.
 */
export function kubeProxyTable(services: number): string {
  const all = Array.from({ length: services }, (_, index) => serviceOf(index));
  return `table ip kube-proxy {
	comment "rules for kube-proxy"
	chain mark-for-masquerade {
		mark set mark or 0x4000
	}
${all.map(chainsOf).join('')}	map service-ips {
		type ipv4_addr . inet_proto . inet_service : verdict
		comment "ClusterIP, ExternalIP and LoadBalancer IP traffic"
		elements = {
${all.map(({ address, name }) => `\t\t\t${address} . tcp . 80 : goto service-${name}`).join(',\n')}
		}
	}
	chain services {
		ip daddr . meta l4proto . th dport vmap @service-ips
	}
	chain nat-prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		jump services
	}
	chain nat-output {
		type nat hook output priority -100; policy accept;
		jump services
	}
	chain nat-postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		mark and 0x4000 != 0 mark set mark xor 0x4000 masquerade fully-random
	}
}
`;
}

interface Service {
  readonly name: string;
  readonly address: string;
  readonly endpoint: string;
}

function serviceOf(index: number): Service {
  const [high, low] = [index >> 8, index & 255];
  const name = `${index.toString(36).toUpperCase().padStart(8, 'A')}-ns/svc${index}/tcp/http`;
  return {
    name,
    address: `172.${16 + (high >> 8)}.${high & 255}.${low}`,
    endpoint: `10.${128 + (high >> 8)}.${high & 255}.${low}`,
  };
}

function chainsOf({ name, address, endpoint }: Service): string {
  return `	chain endpoint-${name}__${endpoint}/8080 {
		ip saddr ${endpoint} jump mark-for-masquerade
		meta l4proto tcp dnat to ${endpoint}:8080
	}
	chain service-${name} {
		ip daddr ${address} tcp dport 80 ip saddr != 10.128.0.0/9 jump mark-for-masquerade
		numgen random mod 1 vmap { 0 : goto endpoint-${name}__${endpoint}/8080 }
	}
`;
}
