/** Where to listen: a host (undefined: every address of this machine) and a port (0: any that is free). */
export interface ListenAddress {
  readonly host: string | undefined;
  readonly port: number;
}

/** Reads `host:port`, `[IPv6]:port` or `:port`, a form that the flags have checked. */
export function parseListenAddress(text: string): ListenAddress {
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { host: host === '' ? undefined : host, port: Number(text.slice(colon + 1)) };
}

/** The reverse, with brackets around an IPv6 address. */
export function formatListenAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Where a client of the same machine reaches a server that listens there. */
export function urlOf(text: string, path: string): string {
  const { host, port } = parseListenAddress(text);
  const reachable = host === undefined || host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${formatListenAddress(reachable, port)}${path}`;
}

/** Whether only processes of the same machine reach a server that listens there. */
export function isLoopback(text: string): boolean {
  const { host } = parseListenAddress(text);
  return host === 'localhost' || host === '::1' || (host?.startsWith('127.') ?? false);
}
