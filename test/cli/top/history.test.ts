/** The rates of `top`, from the answers of a server. */
import { describe, expect, it } from 'vitest';
import { EndpointHistory, KEPT } from '../../../src/cli/top/history.js';
import { FastcacheError } from '../../../src/errors.js';
import type { ServerEntry } from '../../../src/status/server-entry.js';
import type { EndpointAnswer } from '../../../src/status/watermarks.js';
import { collectGarbage } from '../../support/collected.js';
import { answered, BASE, replicaReport, serverEntry } from '../../support/status-documents.js';

const SILENT = { endpoint: '127.0.0.1:7631', fault: new FastcacheError('PEER_SILENT', 'It is silent.') };

/** The history of a server that answers with these figures, a second apart. */
function historyOf(...looks: Partial<ServerEntry>[]): EndpointHistory {
  const history = new EndpointHistory();
  for (const [index, figures] of looks.entries()) {
    const server = serverEntry({ uptimeMs: index * 1_000, ...figures });
    history.take(answered({ server, watermarks: [BASE + BigInt(index * 10), BASE] }), index * 1_000);
  }
  return history;
}

describe('the rates of a server', () => {
  it('are what it has counted between two answers, over its own time', () => {
    const { reads, writes, busy, hits, records, wireBytes } = historyOf(
      { reads: 100, writes: 10, busyMs: 0, hits: 50, misses: 50 },
      { reads: 300, writes: 10, busyMs: 250, hits: 80, misses: 60, uptimeMs: 500 },
    ).rates();
    expect([reads, writes, busy, hits]).toEqual([[400], [0], [0.5], [0.75]]);
    expect([records, wireBytes]).toEqual([[10], [0]]);
  });

  it('are not known before the second answer, beside one that is missing, and of what is not counted', () => {
    expect(historyOf({}).rates()).toMatchObject({ reads: [], busy: [] });
    const history = historyOf({ reads: 1 });
    history.take(SILENT, 1_000);
    history.take(answered({ server: serverEntry({ reads: 2, uptimeMs: 2_000 }) }), 2_000);
    expect(history.rates().reads).toEqual([undefined, undefined]);
    const older = new EndpointHistory();
    older.take(answered({ server: null }), 0);
    older.take(answered({ server: null }), 1_000);
    expect(older.rates()).toMatchObject({ reads: [undefined], busy: [undefined], records: [0] });
  });

  it('are not known over a restart, and 0 over CONFIG RESETSTAT', () => {
    const { reads } = historyOf(
      { reads: 500, uptimeMs: 9_000 },
      { reads: 5, uptimeMs: 100 },
      { reads: 0, uptimeMs: 1_100 },
    ).rates();
    expect(reads).toEqual([undefined, 0]);
  });

  it('are kept for a minute', () => {
    const { reads } = historyOf(...Array.from({ length: 100 }, (_, reads) => ({ reads }))).rates();
    expect(reads).toEqual(new Array(KEPT).fill(1));
  });
});

describe('a replica', () => {
  const replicaAt = (overrides: Parameters<typeof replicaReport>[0]) =>
    answered({ replicas: [replicaReport({ name: 'cache-2', ...overrides })] });

  it('has the lag of the last minute, by its name', () => {
    const history = new EndpointHistory();
    history.take(replicaAt({ lagMs: 3 }), 0);
    history.take(SILENT, 1_000);
    history.take(replicaAt({ lagMs: null, address: '10.0.0.7:9999' }), 2_000);
    history.take(replicaAt({ lagMs: 7, address: '10.0.0.7:9999' }), 3_000);
    expect(history.lags('cache-2')).toEqual([3, undefined, undefined, 7]);
  });

  it('that takes a snapshot in has the time that is left at its rate so far, anew with each snapshot', () => {
    const history = new EndpointHistory();
    const take = (snapshotPercent: number | null, atMs: number) =>
      history.take(
        replicaAt({ state: snapshotPercent === null ? 'live' : 'snapshot', snapshotPercent }),
        atMs,
      );
    take(10, 0);
    expect(history.join('cache-2')).toEqual({ percent: 10, leftMs: undefined });
    take(40, 3_000);
    expect(history.join('cache-2')).toEqual({ percent: 40, leftMs: 6_000 });
    take(5, 4_000);
    expect(history.join('cache-2')).toEqual({ percent: 5, leftMs: undefined });
    take(null, 5_000);
    expect(history.join('cache-2')).toBeUndefined();
  });
});

describe('a server that sends what it likes', () => {
  /** A server with `count` replicas of new names. */
  const withStrangers = (look: number, count: number) =>
    answered({
      replicas: Array.from({ length: count }, (_, index) =>
        replicaReport({ name: `${look}:${index}:${'x'.repeat(280)}`, lagMs: 1 }),
      ),
    });

  it('leaves nothing of its answers but the last, and figures', async () => {
    const history = new EndpointHistory();
    const answers: WeakRef<EndpointAnswer>[] = [];
    for (let look = 0; look < 30; look += 1) {
      const answer = withStrangers(look, 100);
      answers.push(new WeakRef(answer));
      history.take(answer, look * 1_000);
    }
    await collectGarbage();
    expect(answers.map((answer) => answer.deref() !== undefined)).toEqual(
      answers.map((_, look) => look === 29),
    );
    expect(history.rates().records).toHaveLength(29);
  });

  it('has the lag of 256 replicas kept, first of those that are there', () => {
    const history = new EndpointHistory();
    const kept = (answer: ReturnType<typeof withStrangers>) =>
      answer.status!.replicas.filter(({ name }) => history.lags(name!).length > 0).length;
    for (let look = 0; look < 70; look += 1) {
      const answer = withStrangers(look, 900);
      history.take(answer, look * 1_000);
      expect(kept(answer)).toBe(256);
      if (look > 0) expect(kept(withStrangers(look - 1, 900))).toBe(0);
    }
  });

  it('has the lag of a replica forgotten that was not listed for a minute', () => {
    const history = new EndpointHistory();
    const replicas = [replicaReport({ name: 'cache-2', lagMs: 5 })];
    history.take(answered({ replicas }), 0);
    for (let look = 1; look < KEPT; look += 1) history.take(answered({ replicas: [] }), look * 1_000);
    expect(history.lags('cache-2')).toEqual([5, ...new Array(KEPT - 1).fill(undefined)]);
    history.take(answered({ replicas: [] }), KEPT * 1_000);
    expect(history.lags('cache-2')).toEqual([]);
  });
});
