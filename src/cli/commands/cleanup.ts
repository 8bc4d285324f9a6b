import { setTimeout as sleep } from 'node:timers/promises';
import { backoffDelayMs } from '../../agent/schedule.ts';
import type { Backend } from '../../backends/backend.ts';
import { type AgentError, asAgentError, type ExitCode, exitCodes } from '../../errors.ts';
import { stopOnSignals } from '../../system/signals.ts';
import { startHttpServer, text } from '../../telemetry/http-server.ts';
import { printable } from '../../text.ts';
import type { CommandContext, CommandFunction } from '../command.ts';
import { findRunningAgents } from '../running-agents.ts';
import { allBackends } from '../wire/backend.ts';

/**
 * Removes everything the agent ever made, in every backend, and warns where an agent runs that will put it back. Goes on
 * where one backend fails, and then throws what failed. With --stay it tries until the node is clean, tells so on its
 * health address, and waits for SIGTERM.
 */
export const cleanup: CommandFunction = async (context) => {
  await warnOfAgents(context);
  return await (context.flags.stay ? cleanAndStay(context) : cleanOnce(context));
};

async function warnOfAgents({ complain }: CommandContext): Promise<void> {
  for (const { pid, agentArgs } of await findRunningAgents()) {
    const call = printable(['ip-masq-agent', ...agentArgs].join(' '));
    complain(`warning: an agent runs here and will put its rules back; stop it first: pid ${pid}: ${call}\n`);
  }
}

async function cleanOnce(context: CommandContext): Promise<ExitCode> {
  const removed = await removeAll(context);
  if (removed === 0) context.print('nothing to remove\n');
  return exitCodes.done;
}

/** The longest wait between two attempts, in milliseconds. */
const slowestRetryMs = 60_000;

async function cleanAndStay(context: CommandContext): Promise<ExitCode> {
  const stop = stopOnSignals();
  let obstacle: string | undefined = 'the node is not clean yet';
  const server = await serveHealth(context, () => obstacle);
  try {
    for (let failures = 0; obstacle !== undefined && !stop.aborted; ) {
      try {
        await removeAll(context);
        obstacle = undefined;
      } catch (cause) {
        const { message, advice } = asAgentError(cause);
        const retryInMs = Math.round(backoffDelayMs(++failures, slowestRetryMs));
        obstacle = `the node is not clean: ${message}`;
        context.complain(`ip-masq-agent: ${message}\n${advice}\nnext attempt in ${retryInMs} ms\n`);
        await sleep(retryInMs, undefined, { signal: stop }).catch(() => undefined);
      }
    }
    if (obstacle === undefined) context.print('the node is clean; waiting for SIGTERM\n');
    await untilAborted(stop);
  } finally {
    await server?.stop();
  }
  return exitCodes.done;
}

/** Enough for the kubelet and whoever looks by hand. */
const mostClients = 16;

/** `/readyz` says whether the node is clean; what else asks for health learns that the process lives. */
async function serveHealth({ flags, print, complain }: CommandContext, obstacle: () => string | undefined) {
  const address = flags['healthz-bind-address'];
  if (address === '') return undefined;
  const alive = () => text(200, 'ok');
  const ready = () => {
    const reason = obstacle();
    return reason === undefined ? text(200, 'ok') : text(503, reason);
  };
  const routes = new Map([
    ['/livez', alive],
    ['/healthz', alive],
    ['/readyz', ready],
  ]);
  const onError = (cause: unknown) => complain(`HTTP: ${String(cause)}\n`);
  const server = await startHttpServer(address, routes, { places: mostClients, onError });
  print(`serving ${[...routes.keys()].join(', ')} at ${server.address}\n`);
  return server;
}

/** A signal keeps no process alive; a timer does. */
async function untilAborted(stop: AbortSignal): Promise<void> {
  const aDayMs = 86_400_000;
  while (!stop.aborted) await sleep(aDayMs, undefined, { signal: stop }).catch(() => undefined);
}

/**
 * Removes what is there in any backend, says what, and gives how many things. A backend whose tool is missing or whose
 * kernel half is absent can't hold rules that take effect: it is passed over. Throws what failed.
 */
async function removeAll({ flags, print, complain }: CommandContext): Promise<number> {
  const removed: string[] = [];
  const passedOver: AgentError[] = [];
  const failures: AgentError[] = [];
  const backends = Object.values(allBackends(flags));
  for (const backend of backends) {
    const result = await cleanupOf(backend);
    if ('removed' in result) removed.push(...result.removed);
    else if (result.error.code === 'TOOL_MISSING' || result.error.code === 'KERNEL_UNSUPPORTED')
      passedOver.push(result.error);
    else failures.push(result.error);
  }
  for (const what of removed) print(`removed ${what}\n`);
  for (const { message } of passedOver) complain(`passed over: ${message}\n`);
  const [failure, ...others] = passedOver.length < backends.length ? failures : passedOver;
  for (const { message } of others) complain(`ip-masq-agent: ${message}\n`);
  if (failure) throw failure;
  return removed.length;
}

async function cleanupOf(backend: Backend): Promise<{ removed: readonly string[] } | { error: AgentError }> {
  try {
    return { removed: await backend.cleanup() };
  } catch (cause) {
    return { error: asAgentError(cause) };
  }
}
