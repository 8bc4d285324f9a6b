/** Calls back on each such signal until it is stopped. */
export function subscribeToSignal(signal: NodeJS.Signals, onSignal: () => void): Promise<{ stop(): Promise<void> }> {
  process.on(signal, onSignal);
  return Promise.resolve({
    stop: () => {
      process.off(signal, onSignal);
      return Promise.resolve();
    },
  });
}

/** Aborted by the first SIGTERM or SIGINT, with the name of the signal as the reason. */
export function stopOnSignals(): AbortSignal {
  const stop = new AbortController();
  // Not once(): execa, seeing no listener but its own, would end the process on the spot while a tool runs.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort(signal));
  return stop.signal;
}
