import type { TestBed } from '../kernel/harness/test-bed.ts';
import { addresses } from '../kernel/harness/topology.ts';

/** What becomes of new connections from a Pod (or the source before an arrow) to each destination, in one line each. */
export async function verdictsOf(bed: TestBed, flows: readonly string[]): Promise<string[]> {
  const verdicts = await bed.probe(
    flows.map((flow) => {
      const [first = '', second] = flow.split(' → ');
      return second === undefined
        ? { source: addresses.ipv4.pod, destination: first }
        : { source: first, destination: second };
    }),
  );
  return flows.map((flow, index) => `${flow}: ${verdicts[index]?.verdict}`);
}
