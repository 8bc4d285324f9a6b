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

/** One entry as text: time, level, message, then the fields as logfmt. Whatever it contains, it is one line. */
export function textLine({ timestamp, level, message, ...fields }: Record<string, unknown>): string {
  const details = Object.entries(fields).map(([name, value]) => ` ${name}=${fieldText(value)}`);
  return `${String(timestamp)} ${String(level).padEnd(5)} ${escaped(String(message))}${details.join('')}`;
}

/** Values with spaces, quotes or control characters are quoted, as logfmt does. */
function fieldText(value: unknown): string {
  const text = Array.isArray(value) ? value.join(', ') : String(value);
  return /^[^\s"=\p{Cc}]+$/u.test(text) ? text : escaped(JSON.stringify(text));
}

/** Control characters as escapes: parts of a message come from files that anybody may have written. */
function escaped(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) =>
    character === '\n' ? '\\n' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
