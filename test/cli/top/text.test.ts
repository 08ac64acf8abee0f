/** The screen of `top` in terminals of several widths. */
import chalk from 'chalk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EndpointHistory } from '../../../src/cli/top/history.js';
import { screenLines, type View } from '../../../src/cli/top/text.js';
import { FastcacheError } from '../../../src/errors.js';
import type { ServerEntry } from '../../../src/status/server-entry.js';
import type { StatusDocument } from '../../../src/status/status-document.js';
import {
  answered,
  lagging,
  replicaReport,
  serverEntry,
  snapshotReplica,
} from '../../support/status-documents.js';

const { level } = chalk;
beforeAll(() => {
  chalk.level = 0;
});
afterAll(() => {
  chalk.level = level;
});

const NOW_MS = Date.UTC(2026, 0, 31, 12, 30, 1);
const replicas = [
  replicaReport({ name: 'cache-2', lagMs: 4, lagRecords: 1_204, sentBytesPerSecond: 3_145_728 }),
  snapshotReplica({ name: 'cache-3', snapshotPercent: 43 }),
  lagging(60, 1_500, { state: 'gone', name: 'cache-4', sinceSeconds: 90, leewayMs: 200_000 }),
  lagging(60, null, { state: 'gone', name: 'cache-5', sinceSeconds: 90, canResume: false, leewayMs: null }),
];
const log = [
  { timeMs: NOW_MS - 500, level: 'warn' as const, message: 'replica \u001b[2J is gone' },
  { timeMs: NOW_MS - 61_000, level: 'info' as const, message: 'replica cache-3 is given a snapshot' },
];
const slow = [{ timeMs: NOW_MS - 90_000, durationUs: 12_345, command: 'KEYS *', client: '10.0.0.9:1' }];

/** A minute of a busy server, as lines. */
function screen(
  width: number,
  view: View = 'replicas',
  overrides: Partial<StatusDocument> = {},
  figures: Partial<ServerEntry> = {},
): string[] {
  const history = new EndpointHistory();
  for (let second = 0; second <= 60; second += 1) {
    const server = serverEntry({
      name: 'cache-1',
      uptimeMs: 7_380_000 + second * 1_000,
      keys: 12_345_678,
      usedBytes: 3_000_000_000,
      limitBytes: 3_865_470_566,
      clients: 10_000,
      reads: (second * (second + 1) * 1_000) / 2,
      writes: second * 123_456,
      hits: second * 981,
      misses: second * 19,
      busyMs: second * 430,
      log,
      slow,
      ...figures,
    });
    history.take(answered({ replicas, server, ...overrides }), second * 1_000);
  }
  return screenLines([history], { width, view, nowMs: NOW_MS, hasKeys: true });
}

describe('the screen', () => {
  it('shows figures, their last minute, and the replicas', () => {
    expect(screen(80)).toEqual([
      '12:30:01Z  r replicas  s shards  h hot  c slow  l log  q end',
      '',
      'cache-1  127.0.0.1:7631  primary  up 2h4m',
      '12,345,678 keys in 2.8gb of 3.6gb  10,000 clients  hits 98 %  event loop 43 %',
      expect.stringMatching(/^reads {9}60,000\/s {2}[▁-█]{30} {2}most 60,000\/s$/),
      expect.stringMatching(/^writes {10}123k\/s {2}█{30} {2}most 123k\/s$/),
      expect.stringMatching(/^to replicas {6}3mb\/s {2}█{30} {2}most 3mb\/s$/),
      'replica  state     lag ms  records  sent/s  last minute of lag',
      expect.stringMatching(/^cache-2 {2}live {11}4 {4}1,204 {5}3mb {2}█+ most 4 ms$/),
      'cache-3  snapshot       -        -      0b  43 %',
      'cache-4  gone       1,500       60      0b  gone 1m30s, can resume for 3m20s',
      'cache-5  gone           -       60      0b  gone 1m30s, needs a snapshot',
    ]);
  });

  it.each([60, 80, 120])('fits %i columns', (width) => {
    const many = Array.from({ length: 17 }, (_, index) =>
      replicaReport({
        name: index % 2 === 0 ? `a-name-of-many-characters-${index}.eu-west-1.example.com` : null,
        address: `192.168.100.${100 + index}:54321`,
        state: index === 3 ? 'catching-up' : 'live',
        lagMs: 3_599_999,
        lagRecords: 999_999_999,
        sentBytesPerSecond: 1_072_693_248,
      }),
    );
    for (const view of ['replicas', 'shards'] as const) {
      const lines = screen(width, view, { replicas: many });
      expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(width);
    }
    // The figures take a second line where they do not fit on one.
    expect(screen(width, 'replicas', { replicas: many })).toHaveLength((width < 80 ? 9 : 8) + 17);
  });

  it('switches to shards, slow commands and lines of the log, none of which reach the terminal as they are', () => {
    expect(screen(80, 'shards').at(-1)).toMatch(/^ +1 +\+50 +1000050/);
    expect(screen(80, 'commands').at(-1)).toBe(' 1m30s ago   12,345 us  KEYS *  10.0.0.9:1');
    expect(screen(40, 'log').slice(-2)).toEqual([
      '12:29:00  info   replica cache-3 is',
      '                 given a snapshot',
    ]);
    expect(screen(80, 'log').slice(-2)).toEqual([
      '12:30:00  warn   replica \\x1b[2J is gone',
      '12:29:00  info   replica cache-3 is given a snapshot',
    ]);
  });

  it('shows the hot keys, escaped and cut, with their share of the uses', () => {
    const key = (bytes: string | Buffer, uses: number, keyBytes = Buffer.from(bytes).length) => ({
      key: typeof bytes === 'string' ? bytes : null,
      keyBase64: typeof bytes === 'string' ? null : bytes.toString('base64'),
      keyBytes,
      uses,
    });
    const keys = [
      key('user:7', 500),
      key('\u001b[2J', 100),
      key(Buffer.from([0xff, 0x61]), 20),
      key('k'.repeat(80), 10, 3_000),
    ];
    const lines = (width: number) => screen(width, 'hot', {}, { hot: { sampled: 1_000, keys } });
    expect(lines(80).slice(-5)).toEqual([
      'share   uses/s  key',
      ' 50 %  ~91,728  "user:7"',
      ' 10 %  ~18,346  "\\x1b[2J"',
      '  2 %   ~3,669  "\\xffa"',
      `  1 %   ~1,835  "${'k'.repeat(46)}…" (3000 bytes)`,
    ]);
    expect(Math.max(...lines(60).map(({ length }) => length))).toBeLessThanOrEqual(60);
    expect(screen(80, 'hot', {}, { hot: { sampled: 9, keys: [] } }).at(-1)).toContain('no key is used more');
    expect(screen(80, 'hot', {}, { hot: { sampled: 0, keys: [] } }).at(-1)).toContain('no key was used');
    expect(screen(80, 'hot').at(-1)).toContain('not known');
  });

  it('of a replica shows the records that it applies, in place of writes', () => {
    const lines = screen(80, 'replicas', { role: 'replica' });
    expect(lines[5]).toMatch(/^applied {12}0\/s /);
  });

  it('of a server that is silent says why, and of an older one shows what that sends', () => {
    const silent = new EndpointHistory();
    const fault = new FastcacheError('PRIMARY_UNREACHABLE', 'Nothing listens.', { address: 'a:1' });
    silent.take({ endpoint: 'a:1', fault }, 0);
    const options = { width: 80, view: 'replicas', nowMs: NOW_MS, hasKeys: false } as const;
    expect(screenLines([silent], options)).toEqual([
      '12:30:01 UTC',
      '',
      expect.stringContaining('Nothing listens'),
    ]);
    const lines = screen(80, 'log', { server: null });
    expect(lines.slice(2, 4)).toEqual([
      '127.0.0.1:7631  primary  an older version: its figures are not known',
      expect.stringMatching(/^records {12}0\/s/),
    ]);
  });
});
