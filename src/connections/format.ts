import type { Outcome } from '../policy/decide.ts';
import type { ConnectionReport, OtherwiseGroup } from './census.ts';
import type { PortUse } from './ports.ts';
import type { TableStatistics } from './statistics.ts';

/** More of a kind would push the rest off the screen; --output json has more. */
const shownLines = 10;
const labelWidth = 11;

/** One screen for people. */
export function formatConnections(report: ConnectionReport, statistics: TableStatistics): string {
  const { total, masqueraded, kept, others, otherwise, ports, deleted } = report;
  return [
    ...row('connections', [
      `${total}: ${masqueraded} masqueraded, ${kept} kept, ${total - masqueraded - kept} that end on this node`,
      ...tableLines(statistics),
    ]),
    ...row('otherwise', [
      `${otherwise.count} were treated in another way than the policy in force treats them`,
      ...otherwise.top.slice(0, shownLines).map(groupLine),
    ]),
    ...row('others', [`${others} look like that, but may be the work of other programs`]),
    ...row('ports', ports.length > 0 ? ports.slice(0, shownLines).map(portLine) : ['no source port is in use']),
    ...(deleted > 0 ? row('deleted', [`${deleted}: their next packets are judged by the policy in force`]) : []),
    '',
  ].join('\n');
}

/** A label and lines beside it. */
function row(label: string, lines: readonly string[]): string[] {
  return lines.map((line, index) => `${(index === 0 ? label : '').padEnd(labelWidth)} ${line}`);
}

function tableLines({ entries, limit, insertFailed, drop }: TableStatistics): string[] {
  return [
    ...(entries === undefined || limit === undefined ? [] : [`the table holds ${entries} of at most ${limit}`]),
    ...(insertFailed === undefined || drop === undefined
      ? []
      : [`${insertFailed} could not be entered since boot, ${drop} packets were dropped by it or by a full table`]),
  ];
}

function groupLine({ protocol, source, destination, port, is, should, count }: OtherwiseGroup): string {
  const to = port === null ? destination : withPort(destination, port);
  return `${count} of ${protocol} ${source} -> ${to}: ${outcomeText(is)}, should be ${outcomeText(should)}`;
}

function outcomeText({ verdict, address }: Outcome): string {
  if (verdict === 'keep') return 'kept';
  return address === null ? 'masqueraded' : `masqueraded as ${address}`;
}

function portLine({ protocol, destination, port, address, used, available, share }: PortUse): string {
  const percent = `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
  return `${used} of ${available} (${percent}) of ${address} to ${withPort(destination, port)} ${protocol}`;
}

function withPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
