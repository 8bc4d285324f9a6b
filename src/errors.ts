/** Exit codes of the command line (a contract: scripts depend on them). */
export const exitCodes = { done: 0, configInvalid: 1, usage: 2, backendFailure: 3, outOfSync: 4 } as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

interface ErrorKind {
  readonly exitCode: ExitCode;
  /** What the user can do about it. */
  readonly advice: string;
}

/** Every error that this program reports, with what the user can do about it. */
export const errorTable = {
  CONFIG_INVALID: {
    exitCode: 1,
    advice: 'Correct the places named above; the rules in the kernel were left as they are.',
  },
  CONFIG_UNREADABLE: {
    exitCode: 1,
    advice: 'Check that the file exists as a regular file and that its permissions let the agent read it.',
  },
  CONFIG_ABSENT: {
    exitCode: 1,
    advice:
      'Check the path. In a container, files of your own come through standard input: `kubectl exec -i POD -- ip-masq-agent validate - < FILE` (or diff -), with the -i.',
  },
  USAGE: { exitCode: 2, advice: 'Run ip-masq-agent --help for the commands and flags.' },
  TOOL_MISSING: { exitCode: 3, advice: 'Install the tool, or choose another --backend.' },
  TOOL_TIMEOUT: {
    exitCode: 3,
    advice: 'The tool hung and was killed; look for a stuck process or an overloaded node.',
  },
  TOOL_STUCK: {
    exitCode: 3,
    advice: 'The tool hangs in the kernel: look at the log of the kernel; the agent tries again.',
  },
  TOOL_CRASHED: {
    exitCode: 3,
    advice:
      'A fault of the tool: update it. nft up to 1.1.1 crashes on sets that a newer one wrote into the tables of other programs; `ip-masq-agent status` names them.',
  },
  TOOL_FAILED: { exitCode: 3, advice: 'Read the output of the tool in the message.' },
  ABORTED: { exitCode: 3, advice: 'The agent was told to stop while it worked; nothing needs to be done.' },
  NO_PERMISSION: {
    exitCode: 3,
    advice: 'Run as root, or give the container NET_ADMIN and NET_RAW and use the network of the host.',
  },
  CHANGE_REFUSED: {
    exitCode: 3,
    advice:
      'Look for a BPF program that guards rule changes (AKS with eBPF host routing allows programs that a process named ip-masq… starts), or a network that belongs to another user namespace.',
  },
  KERNEL_UNSUPPORTED: {
    exitCode: 3,
    advice: 'The kernel lacks a feature these rules need; choose another --backend or load the missing module.',
  },
  KERNEL_MODULE_MISSING: {
    exitCode: 3,
    advice: 'Load the module on the host (modprobe), or choose another --backend.',
  },
  TABLE_OWNED: {
    exitCode: 3,
    advice: 'End the process that owns the table: the table goes with it, and the agent makes its own.',
  },
  KERNEL_RESOURCE: {
    exitCode: 3,
    advice: 'The kernel or the tool ran out of memory or buffer space; raise the memory limit or shorten the lists.',
  },
  NETLINK_UNAVAILABLE: {
    exitCode: 3,
    advice: 'Use the image or the package as it is: with Node 26.10 or later, and NET_ADMIN.',
  },
  RULESET_REJECTED: {
    exitCode: 3,
    advice: 'This is a bug in ip-masq-agent: please report it with the output of `ip-masq-agent render`.',
  },
  RULESET_RACED: { exitCode: 3, advice: 'Another program changed the rules at the same time; the agent tries again.' },
  XTABLES_LOCK: {
    exitCode: 3,
    advice: 'Another program holds the xtables lock; the agent tries again. Mount the /run/xtables.lock of the host.',
  },
  READ_BACK_MISMATCH: { exitCode: 3, advice: 'Another program changes the same rules; find and stop it.' },
  NO_BACKEND: {
    exitCode: 3,
    advice: 'Install nftables or iptables, or give the agent NET_ADMIN; the reasons above name what is missing.',
  },
  // Not a usage error: the same flags work once the address is free, and until then the agent works without.
  LISTEN_FAILED: {
    exitCode: 3,
    advice: 'Free the address or choose another one with --metrics-bind-address or --healthz-bind-address.',
  },
  TOO_FEW_DESCRIPTORS: {
    exitCode: 3,
    advice: 'Raise the limit of open files (ulimit -n, LimitNOFILE= of the unit, default-ulimits of the runtime).',
  },
  INTERNAL: {
    exitCode: 3,
    advice: 'This is a bug in ip-masq-agent: please report it with this message.',
  },
} as const satisfies Readonly<Record<string, ErrorKind>>;

export type ErrorCode = keyof typeof errorTable;

/** Messages quote what tools print, and a tool that goes wrong may print megabytes. */
const longestMessage = 4_000;

/** An error that names its kind, so that callers never look at message texts. */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message.length > longestMessage ? `${message.slice(0, longestMessage)}…` : message, options);
    this.code = code;
  }

  get advice(): string {
    return errorTable[this.code].advice;
  }

  get exitCode(): ExitCode {
    return errorTable[this.code].exitCode;
  }
}

/** The error's kind, or undefined where it is not one of ours. */
export function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof AgentError ? error.code : undefined;
}

/** The error as one of ours; whatever is not is a bug of the agent, and says so. */
export function asAgentError(error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new AgentError('INTERNAL', message, { cause: error });
}
