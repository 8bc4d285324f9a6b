import { expect, it } from 'vitest';
import { sumOverCpus } from '../../../src/connections/statistics.ts';

it('the counters of all CPUs are summed by name', () => {
  const text = `entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart
00000000  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000080 00000082 00000000 00000000  00000000 00000000 00000000 00000000
00000000  00000000 00000000 00000000 0000000c 00000000 00000000 00000000 00000000 00000008 00000008 00000000 00000000  00000000 00000000 00000000 00000000
`;
  const sums = sumOverCpus(text);
  expect([sums.get('insert_failed'), sums.get('drop'), sums.get('invalid')]).toEqual([136, 138, 12]);
});

it('a counter that is not there is not zero', () => {
  expect(sumOverCpus('entries\n00000001\n').get('drop')).toBeUndefined();
  expect(sumOverCpus('').get('drop')).toBeUndefined();
});
