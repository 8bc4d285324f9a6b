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
