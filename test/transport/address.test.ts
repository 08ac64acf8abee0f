import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../../src/transport/address.js';

describe('addresses', () => {
  it.each([
    ['127.0.0.1:7631', { host: '127.0.0.1', port: 7_631 }],
    ['cache.example:1', { host: 'cache.example', port: 1 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
    [':0', { host: '127.0.0.1', port: 0 }],
  ])('%s is read, and written back', (text, address) => {
    expect(parseAddress(text)).toEqual(address);
    expect(formatAddress(address)).toBe(text.startsWith(':') ? `127.0.0.1${text}` : text);
  });

  it.each([
    '',
    '7631',
    'host',
    'host:',
    'host:65536',
    'host:-1',
    'host:1x',
    '::1:7631',
    '[::1]',
    'a b:1',
    'host:1:2',
  ])('%j is not one', (text) => {
    expect(() => parseAddress(text)).toThrowError(
      expect.objectContaining({ code: 'BAD_OPTION', exitCode: 2 }),
    );
  });
});
