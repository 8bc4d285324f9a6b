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
