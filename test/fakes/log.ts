import type { Log, LogFields } from '../../src/telemetry/log.ts';

export interface FakeLog extends Log {
  /** Every line so far, `level message`, with its fields. */
  readonly lines: { readonly text: string; readonly fields: LogFields }[];
  /** The lines that a user sees at the default level, without their fields. */
  readonly visible: () => string[];
}

/** A log that is kept in memory. */
export function fakeLog(): FakeLog {
  const lines: { text: string; fields: LogFields }[] = [];
  const write =
    (level: string) =>
    (message: string, fields: LogFields = {}): void =>
      void lines.push({ text: `${level} ${message}`, fields });
  return {
    lines,
    visible: () => lines.map(({ text }) => text).filter((text) => !text.startsWith('debug ')),
    error: write('error'),
    warn: write('warn'),
    info: write('info'),
    debug: write('debug'),
  };
}
