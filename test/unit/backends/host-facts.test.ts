import { describe, expect, it } from 'vitest';
import type { BackendName } from '../../../src/backends/backend.ts';
import { gatherHostFacts } from '../../../src/backends/select.ts';

const hint = { flavour: 'legacy', family: 'ipv4', chain: 'KUBE-KUBELET-CANARY' } as const;

/** Backends that note when they are asked. */
function host(usable: readonly BackendName[], onProbe: (name: string) => void = () => {}) {
  const asked: string[] = [];
  const backend = (name: BackendName) => ({
    probe: async () => {
      asked.push(name);
      onProbe(name);
      return { usable: usable.includes(name), reason: `about ${name}` };
    },
  });
  const findKubeletHint = async () => {
    asked.push('kubelet');
    return hint;
  };
  const backends = {
    nft: backend('nft'),
    'iptables-nft': backend('iptables-nft'),
    'iptables-legacy': backend('iptables-legacy'),
  };
  return { asked, probes: { backends, findKubeletHint } };
}

describe('the facts of a host', () => {
  it('are few where nft works', async () => {
    const { asked, probes } = host(['nft', 'iptables-nft']);
    expect(await gatherHostFacts('auto', probes)).toEqual({
      probes: { nft: { usable: true, reason: 'about nft' } },
      kubeletHint: undefined,
    });
    expect(asked).toEqual(['nft']);
  });

  it('are all that there is to know where it does not', async () => {
    const { asked, probes } = host([]);
    const facts = await gatherHostFacts('auto', probes);
    expect(facts.kubeletHint).toBe(hint);
    expect(Object.keys(facts.probes)).toEqual(['nft', 'iptables-nft', 'iptables-legacy']);
    expect(asked).toEqual(['nft', 'iptables-nft', 'iptables-legacy', 'kubelet']);
  });

  it.each<BackendName>(['nft', 'iptables-nft', 'iptables-legacy'])(
    'are those of %s alone where it was asked for',
    async (name) => {
      const { asked, probes } = host([]);
      expect(await gatherHostFacts(name, probes)).toEqual({
        probes: { [name]: { usable: false, reason: `about ${name}` } },
        kubeletHint: undefined,
      });
      expect(asked).toEqual([name]);
    },
  );

  it('are not gathered after the order to stop', async () => {
    const stop = new AbortController();
    const { asked, probes } = host([], () => stop.abort());
    await expect(gatherHostFacts('auto', probes, stop.signal)).rejects.toMatchObject({ code: 'ABORTED' });
    expect(asked).toEqual(['nft']);
  });
});
