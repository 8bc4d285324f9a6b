import { describe } from 'vitest';

/**
 * A group of tests with real packets. As root they run; without root they are skipped, and the name in the report says
 * why.
 */
export function describeKernel(name: string, define: () => void): void {
  if (process.getuid?.() === 0) describe(name, define);
  else describe.skip(`${name} [skipped: network namespaces need root]`, define);
}
