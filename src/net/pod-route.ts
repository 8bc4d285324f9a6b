import type { Cidr } from './cidr.ts';

/** A route of the node by which Pods are reached. */
export interface PodRoute {
  readonly cidr: Cidr;
  /** The device that it leads to, or `cali*` and the like where each Pod has a device of its own. */
  readonly device: string;
}
