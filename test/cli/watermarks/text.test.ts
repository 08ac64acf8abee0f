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

const linesOf = (overrides: Partial<StatusDocument>) => watermarksText(answered(overrides)).split('\n');
const snapshot = snapshotReplica({ address: 'c:1' });

describe('the table of an endpoint', () => {
  it('tells the window, each replica, and each shard of each', () => {
    const gone = lagging(60, 1_500, {
      state: 'gone',
      address: 'b:1',
      sinceAckSeconds: 90,
      leewayMs: 200_000,
    });
    expect(linesOf({ replicas: [replicaReport(), gone, snapshot] })).toEqual([
      `127.0.0.1:7631  primary  history ${'ab'.repeat(16)}`,
      'may be away 4 min 12 s at this write rate  backlog 12,000 of 67,108,864 bytes, 150 records',
      '    state     lag     ms  replica',
      '#1  live        0      0  10.0.0.7:4242',
      '#2  gone       60  1,500  b:1            heard 1 min 30 s ago; can resume for 3 min 20 s',
      '#3  snapshot    -      -  c:1',
      'shard  past base  watermark    #1  lag  ms   #2  lag     ms  #3  lag  ms',
      '    0       +100    1000100  +100    0   0  +40   60  1,500   -    -   -',
      '    1        +50    1000050   +50    0   0  +50    0      0   -    -   -',
      'total       +150                     0   0        60  1,500        -   -',
      '',
    ]);
  });

  it('tells what needs a snapshot, who acknowledges nothing, and how many there was no room for', () => {
    const lines = linesOf({
      replicas: [
        lagging(9, null, { state: 'gone', canResume: false, leewayMs: null }),
        replicaReport({ acknowledges: false, address: 'rust:1' }),
      ],
      unlistedReplicas: 1_204,
    });
    expect(lines[3]).toMatch(/gone +9 +- /);
    expect(lines[3]).toContain('needs a snapshot');
    expect(lines[4]).toContain('acknowledges nothing: what it was sent');
    expect(lines[5]).toBe('and 1,204 more replicas');
  });

  it('says so when nothing is written, and when nobody is there', () => {
    const lines = linesOf({
      replicas: [],
      backlog: { bytes: 0, records: 0, limitBytes: 1, windowMs: null, earliest: [1n, 1n] },
    });
    expect(lines[1]).toContain('may be away any time, nothing is written');
    expect(lines[2]).toBe('no replicas');
  });

  it('of a relay begins with its link', () => {
    const link = { primary: '10.0.0.1:7631', state: 'live', sinceHeardMs: 450, lagMs: 3 };
    expect(linesOf({ role: 'replica', link })[1]).toBe(
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
    const standings = lines.slice(3, 11).map((line) => /\[(3[123])m([a-z-]+)/.exec(line)?.slice(1));
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
    const text = watermarksText(
      answered({ role: 'replica', link, replicas: [replicaReport({ address: 'a\u202eb\n:1' })] }),
    );
    for (const raw of ['\u001b', '\u0007', '\u202e']) expect(text).not.toContain(raw);
    expect(text).toContain('\\x1b[2J');
    expect(text).toContain('a\\xe2\\x80\\xaeb\\x0a:1');
  });
});
