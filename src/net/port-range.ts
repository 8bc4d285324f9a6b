/** An inclusive range of source ports, 1–65535. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}
