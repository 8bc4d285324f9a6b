import { type Events, type Line, milliseconds } from './log-line.ts';

type ConnectionEvents = Pick<Events, 'connections-sampled' | 'sampling-failed' | 'rejudged' | 'rejudge-failed'>;

/** What is logged of live connections. */
export const connectionLines: {
  readonly [Type in keyof ConnectionEvents]: (event: ConnectionEvents[Type]) => readonly Line[];
} = {
  'connections-sampled': ({ report: { total, otherwise }, cpuMs }) => [
    {
      level: 'debug',
      text: 'live connections sampled',
      fields: { total, otherwise: otherwise.count, cpu: milliseconds(cpuMs) },
    },
  ],
  'sampling-failed': ({ error }) => [
    {
      level: 'warn',
      text: `live connections are not sampled: ${error.message}. ${error.advice}`,
      fields: { code: error.code },
      repeats: true,
    },
  ],
  rejudged: ({ mode, deleted, remarks }) => [
    {
      level: 'info',
      text: 'connections were deleted, so that their next packets are judged by the new config',
      fields: { mode, deleted, ...(remarks.length > 0 ? { remarks } : {}) },
    },
  ],
  'rejudge-failed': ({ error }) => [
    {
      level: 'error',
      text: `connections that the new config judges otherwise were not all deleted: ${error.message}. ${error.advice}`,
      fields: { code: error.code },
    },
  ],
};
