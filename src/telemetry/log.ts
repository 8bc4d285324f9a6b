import { createLogger, format, type Logger, transports } from 'winston';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';
export type LogFormat = 'text' | 'json';

/** Fields of a log line beside its message. */
export type LogFields = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export interface Log {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}

/** Logs for people (text) or machines (json), one line an entry: info and debug to stdout, warnings and errors to stderr. */
export function createLog(options: { level: LogLevel; format: LogFormat }): Log {
  return createLogger({
    level: options.level,
    format: format.combine(format.timestamp(), options.format === 'json' ? format.json() : format.printf(textLine)),
    transports: [new transports.Console({ stderrLevels: ['error', 'warn'] })],
  }) satisfies Logger;
}

function textLine({ timestamp, level, message, ...fields }: Record<string, unknown>): string {
  const details = Object.entries(fields).map(([name, value]) => ` ${name}=${fieldText(value)}`);
  return `${String(timestamp)} ${level === 'warn' || level === 'info' ? `${level} ` : level} ${String(message)}${details.join('')}`;
}

/** Values with spaces or quotes are quoted, as logfmt does. */
function fieldText(value: unknown): string {
  const text = Array.isArray(value) ? value.join(',') : String(value);
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}
