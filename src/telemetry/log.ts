import { EOL } from 'node:os';
import { Writable } from 'node:stream';
import { createLogger, format, type Logger, transports } from 'winston';
import { printable } from '../text.ts';

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

/**
 * Logs for people (text) or machines (json), one line an entry: info and debug to stdout, warnings and errors to stderr.
 * Where nobody reads them, lines are dropped, and their number is told as soon as there is room again.
 */
export function createLog(options: { level: LogLevel; format: LogFormat }): Log {
  const tellDropped = (dropped: number): void => {
    log.warn('log lines were dropped, since nobody read them', { dropped });
  };
  const lines = new Writable({
    objectMode: true,
    write(entry: Entry, _encoding, done) {
      const isUrgent = entry.level === 'error' || entry.level === 'warn';
      (isUrgent ? stderr : stdout).write(`${entry[messageSymbol]}${EOL}`);
      done();
    },
  });
  const log = createLogger({
    level: options.level,
    format: format.combine(format.timestamp(), options.format === 'json' ? format.json() : format.printf(textLine)),
    transports: [new transports.Stream({ stream: lines })],
  }) satisfies Logger;
  const stdout = new Outlet(process.stdout, tellDropped);
  const stderr = new Outlet(process.stderr, tellDropped);
  return log;
}

/** Where winston keeps the finished line of an entry. */
const messageSymbol = Symbol.for('message');

interface Entry {
  readonly level: string;
  readonly [messageSymbol]: string;
}

/** The most bytes that wait in this process for a reader; the pipe itself holds 64 KiB more. */
const mostWaiting = 64 * 1024;

/** A stream for lines, none of which waits for a reader longer than there is room. */
class Outlet {
  readonly #stream: NodeJS.WriteStream;
  #dropped = 0;

  constructor(stream: NodeJS.WriteStream, tellDropped: (dropped: number) => void) {
    this.#stream = stream;
    stream.on('drain', () => {
      const dropped = this.#dropped;
      this.#dropped = 0;
      if (dropped > 0) tellDropped(dropped);
    });
  }

  write(line: string): void {
    if (this.#stream.writableLength > mostWaiting) this.#dropped++;
    else this.#stream.write(line);
  }
}

/** One entry as text: time, level, message, then the fields as logfmt. Whatever it contains, it is one line. */
export function textLine({ timestamp, level, message, ...fields }: Record<string, unknown>): string {
  const details = Object.entries(fields).map(([name, value]) => ` ${name}=${fieldText(value)}`);
  return `${String(timestamp)} ${String(level).padEnd(5)} ${printable(String(message))}${details.join('')}`;
}

/** Values with spaces, quotes or control characters are quoted, as logfmt does. */
function fieldText(value: unknown): string {
  const text = Array.isArray(value) ? value.join(', ') : String(value);
  return /^[^\s"=\p{Cc}]+$/u.test(text) ? printable(text) : printable(JSON.stringify(text));
}
