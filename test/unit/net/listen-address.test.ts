import { describe, expect, it } from 'vitest';
import { formatListenAddress, parseListenAddress, urlOf } from '../../../src/net/listen-address.ts';

describe('parseListenAddress', () => {
  it.each([
    ['127.0.0.1:9090', { host: '127.0.0.1', port: 9090 }],
    ['[::1]:9090', { host: '::1', port: 9090 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    [':9090', { host: undefined, port: 9090 }],
  ])('reads %s', (text, address) => {
    expect(parseListenAddress(text)).toEqual(address);
  });

  it.each(['127.0.0.1:9090', '[fe80::1]:80', 'node:1'])('writes %s as it was read', (text) => {
    const { host = '', port } = parseListenAddress(text);
    expect(formatListenAddress(host, port)).toBe(text);
  });
});

describe('urlOf', () => {
  it.each([
    [':9090', 'http://127.0.0.1:9090/x'],
    ['0.0.0.0:9090', 'http://127.0.0.1:9090/x'],
    ['[::]:9090', 'http://[::1]:9090/x'],
    ['10.1.2.3:80', 'http://10.1.2.3:80/x'],
  ])('reaches %s', (text, url) => {
    expect(urlOf(text, '/x')).toBe(url);
  });
});
