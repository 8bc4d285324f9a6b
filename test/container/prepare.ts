import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { tool } from './tool.ts';

/**
 * Installs the programs that the named test needs, before it runs: `prepare.ts test:image --root buildah podman`, where
 * --root says that the test itself needs root. Ends with 77, the exit code that test harnesses know as "skipped", and
 * says so, where the test can't run.
 */
const [test = '', ...needs] = process.argv.slice(2);
const programs = needs.filter((need) => need !== '--root');

/** Debian's packages, where they are not named as the program. */
const packages: Readonly<Record<string, string>> = {
  nsenter: 'util-linux',
  ip: 'iproute2',
  strip: 'binutils',
  etcd: 'etcd-server',
  busybox: 'busybox-static',
  bridge: 'containernetworking-plugins',
};

function missing(): string[] {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/lib/cni'];
  return programs.filter((program) => !directories.some((directory) => existsSync(join(directory, program))));
}

/** Root of a container may lack what it takes to make another. */
function canSeparate(): Promise<boolean> {
  return tool('unshare', '--net', '--mount', '--pid', '--fork', 'true').then(
    () => true,
    () => false,
  );
}

async function install(): Promise<string | undefined> {
  const isRoot = process.getuid?.() === 0;
  if (needs.includes('--root') && !isRoot) return 'it needs root, for containers and network namespaces';
  if (needs.includes('--root') && !(await canSeparate())) return 'this root can make no namespaces';
  if (missing().length === 0) return undefined;
  const wanted = missing().map((program) => packages[program] ?? program);
  if (!isRoot) return `${wanted.join(', ')} must be installed first`;
  process.stderr.write(`${test}: installing ${wanted.join(' ')}\n`);
  const line = ['--quiet', '--yes', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', 'install', ...wanted];
  try {
    process.env['DEBIAN_FRONTEND'] = 'noninteractive';
    await tool('apt-get', 'update');
    await tool('apt-get', ...line);
  } catch (error) {
    return `${wanted.join(', ')} can't be installed here: ${String(error)}`;
  }
  return undefined;
}

const why = await install();
if (why !== undefined) {
  process.stderr.write(`${test} was NOT RUN: ${why}\n`);
  process.exitCode = 77;
}
