import * as z from 'zod/mini';
import type { NameAnswer } from '../names/name-watch.ts';
import { formatAddress, parseAddress } from '../net/cidr.ts';
import { fetchText, longestConfig } from './agent-report.ts';

/** The path that a running agent tells under what the names in its config stand for. */
export const namesPath = '/agentz/names';

const namesReport = z.object({
  names: z.readonly(
    z.array(
      z.object({
        name: z.string(),
        addresses: z.readonly(z.array(z.string())),
        answered: z.boolean(),
        failure: z.nullable(z.string()),
      }),
    ),
  ),
});

export type NamesReport = z.infer<typeof namesReport>;

/** What the names stand for, as JSON has it. */
export function namesReportOf(names: readonly NameAnswer[]): NamesReport {
  return {
    names: names.map(({ name, addresses, isAnswered, failure }) => ({
      name,
      addresses: addresses.map(({ family, value }) => formatAddress(family, value)),
      answered: isAnswered,
      failure: failure ?? null,
    })),
  };
}

/** Asks the agent that listens there, host:port, what its names stand for. Undefined where it does not say. */
export async function askForNames(address: string): Promise<readonly NameAnswer[] | undefined> {
  try {
    const { names } = namesReport.parse(JSON.parse(await fetchText(address, namesPath, longestConfig)));
    return names.map(({ name, addresses, answered, failure }) => ({
      name,
      addresses: addresses.map(parseAddress).filter((parsed) => parsed !== undefined),
      isAnswered: answered,
      failure: failure ?? undefined,
    }));
  } catch {
    return undefined;
  }
}
