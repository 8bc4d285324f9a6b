import type { AcceptedConfig, AgentEvent } from '../agent/events.ts';
import { formatProblem } from '../config/problems.ts';
import { lintPolicy } from '../policy/lint.ts';
import type { Policy } from '../policy/policy.ts';
import type { Observer } from './agent-state.ts';
import { linesOf, newTroubles } from './event-lines.ts';
import type { Log, LogFields } from './log.ts';
import type { Line } from './log-line.ts';
import { LogThrottle } from './log-throttle.ts';

/**
 * Turns events into log lines: one for a change, saying what changed and why; nothing for a reconcile that changed nothing;
 * trouble that persists at its 1st, 2nd, 4th, 8th … time, and its end.
 */
export function createEventLog(log: Log): Observer {
  // Repairs are logged one by one until it is clear that they are a conflict.
  const throttles = new Map<AgentEvent['type'], LogThrottle>([['applied', new LogThrottle(20)]]);
  /** Of a config that was accepted but has not come to the kernel yet; told together with what it changes. */
  let acceptedFiles: readonly string[] | undefined;
  const takeFiles = (): LogFields => {
    const files = acceptedFiles;
    acceptedFiles = undefined;
    if (files === undefined) return {};
    return { files: files.length > 0 ? files : 'none, defaults apply' };
  };

  let unlinted: AcceptedConfig | undefined;
  let remarks: ReadonlySet<string> = new Set();
  const takeRemarks = (policy: Policy): readonly Line[] => {
    if (!unlinted) return [];
    const known = remarks;
    remarks = new Set(lintPolicy(policy, unlinted.config).map(formatProblem));
    unlinted = undefined;
    return [...remarks].filter((text) => !known.has(text)).map((text) => ({ level: 'warn', text }));
  };

  const write = (type: AgentEvent['type'], { level, text, fields = {}, repeats = false }: Line): void => {
    if (!repeats) {
      log[level](text, fields);
      return;
    }
    const throttle = throttles.get(type) ?? new LogThrottle();
    throttles.set(type, throttle);
    const { isNews, times } = throttle.add(text);
    log[isNews ? level : 'debug'](text, { ...fields, ...(times > 1 ? { times } : {}) });
  };

  return (event, state, before) => {
    const lines = linesOf(event.type, event, { state, before, takeFiles, takeRemarks });
    for (const line of [...lines, ...newTroubles(state, before)]) write(event.type, line);
    if (event.type !== 'config-accepted') return;
    acceptedFiles = event.reading.files;
    unlinted = event.reading;
  };
}
