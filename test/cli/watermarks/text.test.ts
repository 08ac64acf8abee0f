import chalk from 'chalk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { watermarksText } from '../../../src/cli/watermarks/text.js';
import type { StatusDocument } from '../../../src/status/status-document.js';
import { answered, BASE, lagging, replicaReport, snapshotReplica } from '../../support/status-documents.js';

let level: typeof chalk.level;
beforeEach(() => {
  level = chalk.level;
  chalk.level = 0;
});
afterEach(() => {
  chalk.level = level;
});

const TABLE = { width: Number.POSITIVE_INFINITY, showsShards: false };
const textOf = (overrides: Partial<StatusDocument>, options: Partial<typeof TABLE> = {}) =>
  watermarksText(answered(overrides), { ...TABLE, ...options });
const linesOf = (...given: Parameters<typeof textOf>) => textOf(...given).split('\n');
const snapshot = snapshotReplica({ address: 'c:1', sinceSeconds: 5, sentBytesPerSecond: 3_145_728 });
const gone = lagging(60, 1_500, {
  state: 'gone',
  name: 'cache-2',
  sinceSeconds: 90,
  leewayMs: 200_000,
});

describe('the table of an endpoint', () => {
  it('shows the totals, the write rate and the window, and one row a replica', () => {
    expect(linesOf({ replicas: [replicaReport(), gone, snapshot] })).toEqual([
      `127.0.0.1:7631  primary  history ${'ab'.repeat(16)}`,
      '2 shards, 150 records of this history',
      'written 260kb/s, may be away 4m12s  backlog 11kb of 64mb, 150 records',
      'replica        state     lag ms  records  sent/s  may be away  since',
      '10.0.0.7:4242  live           0        0      0b           1m   2h3m',
      'cache-2        gone       1,500       60      0b        3m20s  1m30s',
      'c:1            snapshot       -        -     3mb            -     5s',
      '',
    ]);
  });

  it('shows each shard where that is asked for, and who is furthest behind in it', () => {
    const ahead = replicaReport({ name: 'odd', watermarks: [BASE + 100n, BASE + 52n] });
    expect(linesOf({ replicas: [replicaReport(), gone, snapshot] }, { showsShards: true }).slice(-4)).toEqual(
      [
        'shard  past base  watermark  most lag     ms  of',
        '    0       +100    1000100        60  1,500  cache-2',
        '    1        +50    1000050         0',
        '',
      ],
    );
    expect(linesOf({ replicas: [gone, ahead] }, { showsShards: true }).at(-2)).toMatch(/ 1000050 +-2 +odd$/);
    expect(linesOf({ replicas: [] }, { showsShards: true }).at(-2)).toBe('    1        +50    1000050');
  });

  it.each([60, 80, 120])('fits %i columns with 17 replicas and 1,024 shards, one row for each', (width) => {
    const watermarks = Array.from({ length: 1_024 }, () => BASE + 123_456_789_012n);
    const replicas = Array.from({ length: 17 }, (_, index) =>
      replicaReport({
        name: index % 2 === 0 ? `a-name-of-many-characters-${index}.eu-west-1.example.com` : null,
        address: `192.168.100.${100 + index}:54321`,
        state: index === 3 ? 'catching-up' : 'live',
        watermarks: [],
        lagRecords: 999_999_999,
        lagMs: 3_599_999,
        shardLagRecords: watermarks.map(() => 999_999),
        shardLagMs: watermarks.map(() => 3_599_999),
        sentBytesPerSecond: 1_072_693_248,
        leewayMs: 7_767 * 86_400_000,
        sinceSeconds: 86_399,
      }),
    );
    const text = textOf({ watermarks, replicas }, { width });
    const lines = text.trimEnd().split('\n');
    // The history and the backlog have lines of their own where there is no room beside others.
    expect(lines).toHaveLength((width < 80 ? 5 : 3) + 1 + 17);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(width);
    if (width >= 80) {
      expect(lines[4]).toContain('1023mb');
    }
  });

  it('says what needs a snapshot, who acknowledges nothing, and how many there was no room for', () => {
    const lines = linesOf({
      replicas: [
        lagging(9, null, { state: 'gone', canResume: false, leewayMs: null }),
        replicaReport({ acknowledges: false, address: 'rust:1', queuedBytes: 1_204 }),
      ],
      unlistedReplicas: 1_204,
    });
    expect(lines[1]).toBe('2 shards, 150 records of this history, 1,204 bytes queued for replicas');
    expect(lines[4]).toMatch(/gone +- +9 +0b +snapshot/);
    expect(lines[5]).toMatch(/^rust:1 +live +~0 +~0 /);
    expect(lines.slice(6, 8)).toEqual([
      'and 1,204 more replicas',
      '~ acknowledges nothing: counted from what it was sent',
    ]);
  });

  it('says so when nothing is written, and when nobody is there', () => {
    const nothing = { windowMs: null, bytesPerSecond: 0, earliest: [1n, 1n] };
    const lines = linesOf({ replicas: [], backlog: { bytes: 0, records: 0, limitBytes: 1, ...nothing } });
    expect(lines[2]).toBe('nothing is written, may be away any time  backlog 0b of 1b, 0 records');
    expect(lines[3]).toBe('no replicas');
  });

  it('of an older server lacks what that does not send', () => {
    const backlog = { ...answered().status!.backlog, bytesPerSecond: null };
    const lines = linesOf({
      backlog,
      replicas: [replicaReport({ sentBytesPerSecond: null, sinceSeconds: null })],
    });
    expect(lines[2]).toMatch(/^may be away 4m12s/);
    expect(lines[4]).toMatch(/0 {7}- +1m {6}-$/);
  });

  it('of a relay begins with its link', () => {
    const link = { primary: '10.0.0.1:7631', state: 'live', sinceHeardMs: 450, lagMs: 3 };
    expect(linesOf({ role: 'replica', link })[2]).toBe(
      'of 10.0.0.1:7631  live, 3 ms behind, last heard 450 ms ago',
    );
  });

  it('is coloured by how replicas stand: green, yellow, red', () => {
    chalk.level = 1;
    const lines = linesOf({
      replicas: [
        replicaReport(),
        lagging(5, 100),
        lagging(5, 500),
        lagging(5, null),
        replicaReport({ state: 'catching-up' }),
        snapshot,
        replicaReport({ state: 'gone' }),
        replicaReport({ watermarks: [BASE + 101n, BASE] }),
      ],
    });
    const standings = lines.slice(4, 12).map((line) => /\[(3[123])m([a-z-]+)/.exec(line)?.slice(1));
    expect(standings).toEqual([
      ['32', 'live'],
      ['32', 'live'],
      ['33', 'behind'],
      ['33', 'behind'],
      ['33', 'catching-up'],
      ['33', 'snapshot'],
      ['31', 'gone'],
      ['31', 'diverging'],
    ]);
  });

  it('lets nothing of a peer’s reach the terminal as it is', () => {
    const link = { primary: '\u001b[2J', state: '\u0007', sinceHeardMs: 0, lagMs: null };
    const text = textOf({ role: 'replica', link, replicas: [replicaReport({ address: 'a\u202eb\n:1' })] });
    for (const raw of ['\u001b', '\u0007', '\u202e']) expect(text).not.toContain(raw);
    expect(text).toContain('\\x1b[2J');
    expect(text).toContain('a\\xe2\\x80\\xaeb\\x0a:1');
  });
});
