import { tool } from './tool.ts';

/**
 * Runs npm. Where a script of npm's runs this, then with the Node that runs that npm: the pinned Node, which stands first
 * in PATH, may be too new for it.
 */
export function npm(...args: string[]): Promise<string> {
  const { npm_execpath: program, npm_node_execpath: node } = process.env;
  return program === undefined || node === undefined ? tool('npm', ...args) : tool(node, program, ...args);
}
