import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestBed } from '../kernel/harness/test-bed.ts';
import { Cluster } from './cluster.ts';

describe('a Kubernetes node', () => {
  let bed: TestBed;
  let cluster: Cluster;

  beforeAll(async () => {
    bed = await TestBed.create();
    cluster = await Cluster.start(bed);
  });
  afterAll(async () => {
    await cluster?.stop();
    await bed?.close();
  });

  it('is Ready', async () => {
    expect(await cluster.kubectl('get', 'nodes')).toContain(' Ready ');
  });
});
