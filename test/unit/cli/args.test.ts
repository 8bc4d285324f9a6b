import { describe, expect, it } from 'vitest';
import { type Arguments, parseArguments } from '../../../src/cli/args.ts';
import { commandOf } from '../../../src/cli/commands.ts';
import type { Flags } from '../../../src/cli/flags.ts';

/** What a command line comes to, its command included. */
function parse(args: readonly string[], program?: string): Arguments {
  const line = parseArguments(args, program);
  return { ...line, command: commandOf(line).name };
}

function flagsOf(...args: string[]): Flags {
  return parse(args).flags;
}

describe('parseArguments', () => {
  it('runs the agent without arguments', () => {
    expect(parse([])).toMatchObject({
      command: 'run',
      warnings: [],
      flags: { config: '/etc/config', backend: 'auto' },
    });
  });

  it.each([
    [['--config=/x']],
    [['--config', '/x']],
    [['-config=/x']],
    [['-config', '/x']],
    [['run', '--config', '/x']],
    [['--config', '/x', 'run']],
  ])('reads %j', (args) => {
    expect(parse(args)).toMatchObject({ command: 'run', flags: { config: '/x' } });
  });

  it.each<[string, boolean]>([
    ['--enable-ipv6', true],
    ['-enable-ipv6', true],
    ['--enable_ipv6', true],
    ['--enable-ipv6=T', true],
    ['--enable-ipv6=1', true],
    ['--enable-ipv6=false', false],
    ['--enable-ipv6=F', false],
  ])('reads %s as %s', (argument, value) => {
    expect(flagsOf(argument)['enable-ipv6']).toBe(value);
  });

  it('does not take the next argument for a boolean', () => {
    expect(parse(['--once', 'run'])).toMatchObject({ command: 'run', flags: { once: true } });
  });

  it('takes the last of several', () => {
    expect(flagsOf('--masq-chain=A', '--masq-chain=B')['masq-chain']).toBe('B');
  });

  it.each([
    [['--resync-interval=30s'], 'resync-interval', 30_000],
    [['--resync-interval', '90'], 'resync-interval', 90_000],
    [['--resync-interval', '1h0m0.5s'], 'resync-interval', 3_600_500],
    [
      ['--to-ports=1024-29999,32768-65535'],
      'to-ports',
      [
        { first: 1024, last: 29_999 },
        { first: 32_768, last: 65_535 },
      ],
    ],
    [['--metrics-bind-address=[::1]:9090'], 'metrics-bind-address', '[::1]:9090'],
    [['--metrics-bind-address=:9090'], 'metrics-bind-address', ':9090'],
    [['--masq-chain=IP-MASQ'], 'masq-chain', 'IP-MASQ'],
    [['--snat-port-budget=1024'], 'snat-port-budget', 1024],
    [['--connection-sampling=false'], 'connection-sampling', false],
    [['--logging-format=json'], 'log-format', 'json'],
    [['--logging_format', 'text'], 'log-format', 'text'],
    [['--rejudge', 'udp'], 'rejudge', 'udp'],
    [['cleanup', '--stay'], 'stay', true],
    [['--v=2'], 'log-level', 'info'],
    [['-v', '4'], 'log-level', 'debug'],
  ] as const)('reads %j', (args, name, value) => {
    expect(flagsOf(...args)[name]).toEqual(value);
  });

  it.each([
    ['--masq-chain=this-name-is-29-characters-long', '1 to 28 characters'],
    ['--masq-chain=', '1 to 28 characters'],
    ['--masq-chain=a b', '1 to 28 characters'],
    ['--masq-chain=POSTROUTING', 'not the name of a built-in chain'],
    ['--masq-chain=-x', '1 to 28 characters'],
    ['--backend=ebpf', 'one of auto, nft, iptables-nft, iptables-legacy'],
    ['--enable-ipv6=yes', 'one of 1, t, T, true'],
    ['--enable-ipv6=', 'one of 1, t, T, true'],
    ['--to-ports=0-100', '1-65535'],
    ['--to-ports=1-65536', '1-65535'],
    ['--to-ports=20-10', 'ends before it begins'],
    ['--to-ports=abc', 'not a range of ports'],
    ['--resync-interval=0', 'at least 1s'],
    ['--resync-interval=-5s', 'at least 1s'],
    ['--resync-interval=fast', 'at least 1s'],
    ['--metrics-bind-address=9090', 'host:port'],
    ['--metrics-bind-address=localhost:99999', 'host:port'],
    ['--snat-port-budget=0', '1 to 65535'],
    ['--snat-port-budget=many', '1 to 65535'],
    ['--rejudge=', 'one of udp, all'],
    ['--logging-format=xml', 'one of text, json'],
    ['completion', 'expected bash or zsh'],
    ['diff', 'expected NEW'],
    ['--v=high', 'whole number'],
    ['--config', 'flag needs an argument: --config'],
    ['---config=x', 'bad flag syntax'],
    ['--=x', 'bad flag syntax'],
    ['--enable-ipv', 'did you mean --enable-ipv6?'],
    ['--masq-chian=X', 'did you mean --masq-chain?'],
    ['--unheard-of', 'unknown flag --unheard-of'],
    ['validat', 'did you mean validate?'],
    ['toString', 'unknown command "toString"'],
    ['--toString=1', 'unknown flag --toString'],
    ['--__proto__=1', 'unknown flag'],
  ])('refuses %s as usage', (argument, message) => {
    expect(() => parse([argument])).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(message) }),
    );
  });

  it('refuses a second positional', () => {
    expect(() => parse(['run', '--enable-ipv6', 'false'])).toThrow('unexpected argument "false"');
  });

  it('accepts what manifests pass to klog, with one warning', () => {
    const { command, warnings } = parse([
      '--logtostderr',
      '--stderrthreshold=INFO',
      '-v=2',
      '--vmodule',
      'x=1',
      '--log_dir=/tmp',
    ]);
    expect(command).toBe('run');
    expect(warnings).toEqual([expect.stringContaining('--logtostderr --stderrthreshold --vmodule --log-dir')]);
  });

  it.each([
    [['--cleanup'], 'cleanup'],
    [['--version'], 'version'],
    [['-h'], 'help'],
    [['render', '--help'], 'help'],
    [['--cleanup=false'], 'run'],
  ])('takes %j for the command %s', (args, command) => {
    expect(parse(args).command).toBe(command);
  });

  it.each([
    [['validate', '/x', '--output=json']],
    [['validate', '--output', 'json', '/x']],
    [['--output=json', 'validate', '/x']],
  ])('takes flags before and after an operand: %j', (args) => {
    expect(parse(args)).toMatchObject({ command: 'validate', operands: ['/x'], flags: { output: 'json' } });
  });

  it('takes - for an operand and for a value', () => {
    expect(parse(['validate', '-']).operands).toEqual(['-']);
    expect(flagsOf('--config', '-').config).toBe('-');
  });

  it('refuses a shell that it can print no completion for', () => {
    expect(() => parse(['completion', 'fish'])).toThrow('completion "fish": expected bash or zsh');
  });

  it('knows which flags were given, by whatever name', () => {
    const { given } = parse(['-v=4', '--logging-format=json', '--enable_ipv6=false', '--config=/etc/config']);
    expect(given).toEqual(new Set(['log-level', 'log-format', 'enable-ipv6', 'config']));
  });

  it("masquerades IPv6 where it is called as Baidu's agent is, unless told otherwise", () => {
    expect(parse([], 'cce-ip-masq-agent').flags['enable-ipv6']).toBe(true);
    expect(parse(['--enable-ipv6=false'], 'cce-ip-masq-agent').flags['enable-ipv6']).toBe(false);
    expect(parse([], 'ip-masq-agent').flags['enable-ipv6']).toBe(false);
  });

  it('leaves what follows -- alone', () => {
    expect(() => parse(['run', '--', '--config'])).toThrow('unexpected argument "--config"');
  });
});
