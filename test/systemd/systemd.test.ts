import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { verdictsOf } from '../image/verdicts.ts';
import { TestBed } from '../kernel/harness/test-bed.ts';
import { Machine } from './machine.ts';

/** Longer than anything here takes on a busy machine. */
const patient = { timeout: 30_000, interval: 250 };

const configFile = '/etc/ip-masq-agent/config.yaml';
const flows = ['10.9.9.9', '192.168.7.7', '203.0.113.8'];
const none = ['10.9.9.9: keep', '192.168.7.7: keep', '203.0.113.8: keep'];
const byDefault = ['10.9.9.9: keep', '192.168.7.7: keep', '203.0.113.8: masquerade'];
const narrowed = ['10.9.9.9: masquerade', '192.168.7.7: keep', '203.0.113.8: masquerade'];

// In order: each step begins where the one before it ended, as on a machine that is administered.
describe.each(['bookworm', 'trixie'])('the package on Debian %s under systemd', (suite) => {
  let bed: TestBed;
  let machine: Machine;

  const property = async (name: string) =>
    (await machine.run('systemctl', 'show', '--value', '--property', name, 'ip-masq-agent')).trim();
  const verdicts = () => verdictsOf(bed, flows);

  beforeAll(async () => {
    bed = await TestBed.create();
    machine = await Machine.boot(bed, suite);
  });
  afterAll(async () => {
    await machine?.remove();
    await bed?.close();
  });

  it('installs, asks for a look at the config, and changes no rules', async () => {
    const file = await machine.receive(inject('debianPackage'));
    const output = await machine.run('apt-get', 'install', '--yes', '--no-install-recommends', file);
    expect(output).toContain(`review ${configFile}`);
    expect((await machine.run('systemctl', 'is-enabled', 'ip-masq-agent')).trim()).toBe('enabled');
    expect(await property('ActiveState')).toBe('inactive');
    expect(await verdicts()).toEqual(none);
    expect(await machine.run('ip-masq-agent', 'version')).toMatch(/^ip-masq-agent \d/);
    await machine.run('systemd-analyze', 'verify', 'ip-masq-agent.service');
  });

  it('is up when its rules are', async () => {
    await machine.run('systemctl', 'start', 'ip-masq-agent');
    expect(await verdicts()).toEqual(byDefault);
    expect(await property('ActiveState')).toBe('active');
    expect(await property('StatusText')).toMatch(/^nft: in sync/);
    expect(await machine.run('ip-masq-agent', 'status', '--config', configFile)).toContain('nft');
  });

  it('has its rules in place before the kubelet starts when the machine boots', async () => {
    await machine.run('systemctl', 'stop', 'ip-masq-agent');
    await bed.node.run('nft', 'flush', 'ruleset');
    const look = '/bin/sh -c "nft list table inet ip-masq-agent >/root/seen-by-kubelet"';
    const unit = `[Service]\nType=oneshot\nExecStart=${look}\n[Install]\nWantedBy=multi-user.target\n`;
    await machine.write('/etc/systemd/system/kubelet.service', unit);
    await machine.run('systemctl', 'enable', 'kubelet');
    await machine.reboot();
    expect(await machine.run('cat', '/root/seen-by-kubelet')).toContain('masquerade');
    expect(await verdicts()).toEqual(byDefault);
  });

  it('gives signs of life to the watchdog', async () => {
    expect(await property('WatchdogUSec')).toBe('3min');
    const dropIns = '/run/systemd/system/ip-masq-agent.service.d';
    await machine.run('mkdir', '-p', dropIns);
    await machine.write(`${dropIns}/watchdog.conf`, '[Service]\nWatchdogSec=4s\n');
    await machine.run('systemctl', 'daemon-reload');
    await machine.run('systemctl', 'restart', 'ip-masq-agent');
    const started = await property('WatchdogTimestampMonotonic');
    await expect.poll(() => property('WatchdogTimestampMonotonic'), patient).not.toBe(started);
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    expect(await property('NRestarts'), 'it was not found dead').toBe('0');

    // A process that hangs gives none.
    const pid = await property('MainPID');
    await machine.run('sh', '-c', `kill -STOP ${pid}`);
    await expect.poll(() => property('NRestarts'), patient).toBe('1');
    await expect.poll(() => property('ActiveState'), patient).toBe('active');
    expect(await verdicts(), 'rules in the kernel do not depend on the agent').toEqual(byDefault);

    await machine.run('rm', '-r', dropIns);
    await machine.run('systemctl', 'daemon-reload');
    await machine.run('systemctl', 'restart', 'ip-masq-agent');
  });

  it('takes a new config with a reload, and fails the reload on a bad one', async () => {
    await machine.write(configFile, 'nonMasqueradeCIDRs: [192.168.0.0/16]\nresyncInterval: 1h\n');
    await machine.run('systemctl', 'reload', 'ip-masq-agent');
    await expect.poll(verdicts, patient).toEqual(narrowed);

    await machine.write(configFile, 'nonMasqueradeCIDRs: [192.168.0.1/16]\n');
    const { exitCode } = await machine.try('systemctl', 'reload', 'ip-masq-agent');
    expect(exitCode).not.toBe(0);
    expect(await machine.run('journalctl', '--unit', 'ip-masq-agent')).toContain('config.yaml:1:22');
    expect(await verdicts()).toEqual(narrowed);
    await machine.write(configFile, 'nonMasqueradeCIDRs: [192.168.0.0/16]\n');
    await machine.run('systemctl', 'reload', 'ip-masq-agent');
    await expect.poll(() => property('ActiveState'), patient).toBe('active');
  });

  it('is started again when it is killed, and its rules are never gone', async () => {
    const before = Number(await property('NRestarts'));
    const pid = await property('MainPID');
    await machine.run('sh', '-c', `kill -KILL ${pid}`);
    while (Number(await property('NRestarts')) === before) expect(await verdicts()).toEqual(narrowed);
    await expect.poll(() => property('ActiveState'), patient).toBe('active');
    expect(await property('MainPID')).not.toBe(pid);
    expect(await verdicts()).toEqual(narrowed);
  });

  it('keeps its rules when it is stopped', async () => {
    await machine.run('systemctl', 'stop', 'ip-masq-agent');
    expect(await property('Result')).toBe('success');
    expect(await verdicts()).toEqual(narrowed);
  });

  it.each(['iptables-nft', 'iptables-legacy'])('drives %s as well', async (backend) => {
    await machine.write('/etc/default/ip-masq-agent', `OPTIONS="--backend=${backend} --masq-chain=IP-MASQ"\n`);
    await machine.run('systemctl', 'start', 'ip-masq-agent');
    expect(await verdicts()).toEqual(narrowed);
    expect(await property('StatusText')).toMatch(new RegExp(`^${backend}: in sync`));
    await machine.run('systemctl', 'stop', 'ip-masq-agent');
  });

  it('is exposed little', async () => {
    const report = await machine.run('systemd-analyze', 'security', '--no-pager', 'ip-masq-agent.service');
    const exposure = /exposure level for ip-masq-agent.service: ([\d.]+)/.exec(report)?.[1];
    expect(Number(exposure)).toBeLessThan(3);
    expect(Number(exposure)).toBeGreaterThan(0);
  });

  it('is found in the manual', async () => {
    expect(await machine.run('man', '--where', 'ip-masq-agent')).toContain('man8/ip-masq-agent.8');
  });

  it('is completed by bash and zsh, where their packages look', async () => {
    const scripts = {
      bash: '/usr/share/bash-completion/completions/ip-masq-agent',
      zsh: '/usr/share/zsh/vendor-completions/_ip-masq-agent',
    };
    for (const [shell, file] of Object.entries(scripts)) {
      expect(await machine.run('cat', file)).toBe(await machine.run('ip-masq-agent', 'completion', shell));
    }
  });

  it('reads /etc/default as systemd does', async () => {
    const files = [
      'OPTIONS=--masq-chain=FOO --enable-ipv6',
      '# OPTIONS=no\n; OPTIONS=no\nnonsense\nOPTIONS="--a=b c"  \nOTHER=x\n',
      `OPTIONS='--a' "--b\\"c" --d`,
      'OPTIONS=--a \\\n  --b="x y" --c=\'z  z\'\n',
      'OPTIONS=--x=$HOME `id` $(touch /root/was-shell); --y=\\$z',
      'OPTIONS=one\nOPTIONS=  two  three  \n',
      'OPTIONS=',
    ];
    const unit = `[Service]
Type=oneshot
EnvironmentFile=/root/default
StandardOutput=truncate:/root/words
ExecStart=/usr/bin/printf '%%s\\n' first $OPTIONS\n`;
    await machine.write('/run/systemd/system/words.service', unit);
    await machine.run('systemctl', 'daemon-reload');
    for (const file of files) {
      await machine.write('/root/default', file);
      await machine.run('systemctl', 'start', 'words');
      const words = await machine.run('cat', '/root/words');
      expect(`first\n${await machine.run('/usr/share/ip-masq-agent/options-of', '/root/default')}`, file).toBe(words);
    }
    await machine.run('rm', '/run/systemd/system/words.service', '/root/default', '/root/words');
    expect((await machine.try('test', '-e', '/root/was-shell')).exitCode).toBe(1);
  });

  it('survives an upgrade with its rules in place', async () => {
    await machine.run('systemctl', 'start', 'ip-masq-agent');
    const pid = await property('MainPID');
    const file = await machine.receive(inject('debianPackage'));
    await machine.run('apt-get', 'install', '--reinstall', '--yes', '-o', 'Dpkg::Options::=--force-confold', file);
    expect(await property('ActiveState')).toBe('active');
    expect(await property('MainPID'), 'restarted').not.toBe(pid);
    expect(await verdicts()).toEqual(narrowed);
  });

  it('leaves its rules when it is removed, and says so', async () => {
    // No shell would take this for one assignment.
    await machine.write('/etc/default/ip-masq-agent', 'OPTIONS=--masq-chain=FOO --backend=iptables-legacy\n');
    await machine.run('systemctl', 'restart', 'ip-masq-agent');
    expect(await bed.node.run('iptables-legacy-save', '-t', 'nat')).toContain('-A FOO ');
    const output = await machine.run('apt-get', 'remove', '--yes', 'ip-masq-agent');
    expect(output).toContain('its rules stay in the kernel');
    expect(output).toContain('apt-get purge ip-masq-agent');
    expect((await machine.try('which', 'ip-masq-agent')).exitCode).not.toBe(0);
    expect(await verdicts()).toEqual(narrowed);
  });

  it('takes its rules away when it is purged, and leaves nothing', async () => {
    await machine.run('apt-get', 'purge', '--yes', 'ip-masq-agent');
    expect(await verdicts()).toEqual(none);
    expect(await bed.node.run('iptables-legacy-save', '-t', 'nat')).not.toContain('FOO');
    // Logs, and the cache of a manual that was read, are others'.
    const rest = await machine.run('find', '/etc', '/run/systemd', '/usr', '/var/lib', '-name', '*ip-masq-agent*');
    expect(rest).toBe('');
  });
});
