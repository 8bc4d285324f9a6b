import { dlopen } from 'node:ffi';
import { closeSync, openSync } from 'node:fs';
import { type NetlinkOptions, type NetlinkSocket, openNetlink } from '../../../src/system/netlink.ts';
import type { Namespace } from './namespace.ts';

const cloneNewnet = 0x4000_0000;

/** Opens a netlink socket of this process in a namespace: a socket stays where it was made (setns(2)). */
export async function openNetlinkIn({ name }: Namespace, options: NetlinkOptions): Promise<NetlinkSocket> {
  const { functions } = dlopen(null, { setns: { arguments: ['i32', 'i32'], return: 'i32' } });
  const here = openSync('/proc/thread-self/ns/net', 'r');
  const there = openSync(`/run/netns/${name}`, 'r');
  try {
    if (functions.setns(there, cloneNewnet) !== 0) throw new Error(`can't enter ${name}`);
    return await openNetlink(options);
  } finally {
    functions.setns(here, cloneNewnet);
    closeSync(here);
    closeSync(there);
  }
}
