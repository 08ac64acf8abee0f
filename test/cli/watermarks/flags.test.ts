import { describe, expect, it } from 'vitest';
import { Endpoint } from '../../../src/cli/watermarks/endpoint.js';
import { type WatermarksFlags, watermarksMode, withWatchSeconds } from '../../../src/cli/watermarks/flags.js';
import { systemTimers } from '../../../src/clock.js';
import { tcpTransport } from '../../../src/transport/tcp.js';

const endpoint = (text: string) =>
  new Endpoint(text, { token: undefined, transport: tcpTransport, timers: systemTimers, warn() {} });

describe('--watch', () => {
  it.each([
    [['--watch'], ['--watch=2']],
    [
      ['--watch', '5'],
      ['--watch', '5'],
    ],
    [
      ['--watch', '0.5', 'a:1'],
      ['--watch', '0.5', 'a:1'],
    ],
    [
      ['--watch', 'a:1'],
      ['--watch=2', 'a:1'],
    ],
    [
      ['--watch', ':7631'],
      ['--watch=2', ':7631'],
    ],
    [
      ['--watch', '--json'],
      ['--watch=2', '--json'],
    ],
    [
      ['--watch=7', 'a:1'],
      ['--watch=7', 'a:1'],
    ],
    [
      ['a:1', '--', '--watch'],
      ['a:1', '--', '--watch'],
    ],
    [
      ['--json', 'a:1'],
      ['--json', 'a:1'],
    ],
  ])('%j is read as %j', (argv, read) => {
    expect(withWatchSeconds(argv)).toEqual(read);
  });
});

describe('the flags of watermarks', () => {
  const mode = (flags: WatermarksFlags, ...endpoints: string[]) =>
    watermarksMode(flags, new Set(Object.keys(flags)), endpoints.map(endpoint));

  it('of the environment give way to those that are typed, and are never out of place', () => {
    const environment = { watch: 500, timeout: 5, 'max-lag-ms': 7 };
    const typing = (flags: WatermarksFlags) =>
      watermarksMode({ ...environment, ...flags }, new Set(Object.keys(flags)), [endpoint('a:1')]);
    expect(typing({})).toEqual({ name: 'watch', intervalMs: 500 });
    expect(typing({ check: true })).toEqual({ name: 'check' });
    expect(typing({ wait: true })).toEqual({ name: 'wait', timeoutMs: 5 });
  });

  it('are one look, or one of three ways', () => {
    expect(mode({}, 'a:1', 'dump.fcrp')).toEqual({ name: 'look' });
    expect(mode({ watch: 500 }, 'a:1')).toEqual({ name: 'watch', intervalMs: 500 });
    expect(mode({ check: true, 'max-lag-ms': 5 }, 'a:1')).toEqual({ name: 'check' });
    expect(mode({ wait: true }, 'a:1')).toEqual({ name: 'wait', timeoutMs: 30_000 });
    expect(mode({ wait: true, timeout: 0 }, 'a:1')).toEqual({ name: 'wait', timeoutMs: 0 });
  });

  it.each<[WatermarksFlags, string]>([
    [{ watch: 500, check: true }, '--watch and --check exclude each other'],
    [{ wait: true, check: true }, '--check and --wait exclude each other'],
    [{ 'max-lag-ms': 5 }, '--max-lag-ms goes with --check'],
    [{ 'max-lag-records': 5, wait: true }, '--max-lag-records goes with --check'],
    [{ timeout: 5 }, '--timeout goes with --wait'],
  ])('%j are refused', (flags, message) => {
    expect(() => mode(flags, 'a:1')).toThrow(message);
  });

  it('that ask servers are refused for dumps', () => {
    for (const flags of [{ watch: 500 }, { check: true }, { wait: true }]) {
      expect(() => mode(flags, 'a:1', './a:1')).toThrow('asks servers');
    }
  });
});
