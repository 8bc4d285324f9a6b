/** Set by the bundler from package.json. */
declare const AGENT_VERSION: string | undefined;

export const version = typeof AGENT_VERSION === 'string' ? AGENT_VERSION : 'development';
