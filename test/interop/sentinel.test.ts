/**
 * Three stock Sentinels manage three servers of ours. Losses and the roles of the servers are decided here;
 * times are limits that a slow machine keeps. The long runs are `npm run sentinel:rounds`.
 */
import { afterEach, expect, it } from 'vitest';
import { Cluster, type ClusterOptions } from '../failover/cluster.js';
import {
  cutLinks,
  haltPrimary,
  handOver,
  killPrimary,
  killReplicaThenPrimary,
  restartRemembering,
} from '../failover/scenarios.js';
import { Writers } from '../failover/writers.js';
import { describeWith } from '../support/optional-peers.js';
import { redisServer } from '../support/redis.js';

/** Twice what Sentinel takes by its own settings: 2 s to notice, and a second each to elect and to look. */
const FIRST_WRITE_MS = 10_000;
const BACK_MS = 20_000;
/** Far below the 20 s after which a stock Sentinel notices a FAILOVER of Redis. */
const HAND_OVER_MS = 5_000;

let cluster: Cluster | undefined;
afterEach(async () => {
  expect(cluster?.complaints()).toEqual([]);
  await cluster?.close();
  cluster = undefined;
});

async function start(options: Omit<ClusterOptions, 'kind'> = {}) {
  cluster = await Cluster.start({ kind: 'fastcache', ...options });
  return { cluster, writers: new Writers(cluster) };
}

describeWith(redisServer, 'stock Sentinels', () => {
  it('fail over from a primary that is killed, and make it a replica when it is back', async () => {
    const { cluster, writers } = await start({ remembersRoles: true });
    for (let round = 0; round < 3; round += 1) {
      const { firstWriteMs, backMs, ...rest } = await killPrimary(cluster, writers);
      expect(firstWriteMs).toBeLessThan(FIRST_WRITE_MS);
      expect(backMs).toBeLessThan(BACK_MS);
      expect(rest.replicated).toBeGreaterThan(0);
      expect(rest).toMatchObject({ lostReplicated: 0, snapshots: 0 });
    }
    const views = await cutLinks(cluster, 20);
    expect(views.every((view) => view.endsWith('slaves=2,sentinels=3'))).toBe(true);
  });

  it('follow a primary that hands over at once, and nobody loses a write or needs a snapshot', async () => {
    const { cluster, writers } = await start();
    const { pauseMs, namedMs, ...rest } = await handOver(cluster, writers);
    expect(pauseMs).toBeLessThan(HAND_OVER_MS);
    expect(namedMs).toBeLessThan(HAND_OVER_MS);
    expect(rest.replicated).toBeGreaterThan(0);
    expect(rest).toMatchObject({ lost: 0, snapshots: 0, astray: 0 });
  });

  it('lose nothing that WAIT has confirmed when a replica dies first', async () => {
    const { cluster, writers } = await start({ remembersRoles: true });
    expect(await killReplicaThenPrimary(cluster, writers)).toMatchObject({ lostReplicated: 0 });
  });

  it('a primary that was halted acknowledges nothing behind its halt', async () => {
    const { cluster, writers } = await start({ minReplicas: 1 });
    const { acknowledgedLate, losses } = await haltPrimary(cluster, writers);
    expect(acknowledgedLate).toBe(0);
    expect(losses.lostReplicated).toBe(0);
  });

  it('replace a primary that remembers its role and comes back empty before anybody notices', async () => {
    const { cluster, writers } = await start({ remembersRoles: true });
    const { firstWriteMs, backMs, ...rest } = await restartRemembering(cluster, writers);
    expect(firstWriteMs).toBeLessThan(FIRST_WRITE_MS);
    expect(backMs).toBeLessThan(BACK_MS);
    expect(rest.replicated).toBeGreaterThan(0);
    // The one snapshot is that of the primary that came back.
    expect(rest).toMatchObject({ lostReplicated: 0, snapshots: 1 });
  });
});
