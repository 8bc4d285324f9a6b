import type { ReportEvent } from '../agent/events.ts';

/** Tells every subscriber of each event, in this order. */
export function fanOut(subscribers: readonly ReportEvent[]): ReportEvent {
  return (event) => {
    for (const report of subscribers) report(event);
  };
}
