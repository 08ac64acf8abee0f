/**
 * `npm run bench:crowded [-- --minutes N]`: SETs at pipeline 64 without a pause while something else takes
 * one core: whether the replica is ever disconnected or needs a snapshot, and how far it is behind at most.
 */

import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { eventually } from '../support/processes.js';
import { redisBenchmark, redisCli } from '../support/redis.js';
import { startFastcache } from './rivals.js';

const SAMPLE_MS = 250;
/** A run of redis-benchmark, which is repeated. */
const REQUESTS = 2_000_000;

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const endsAt = Date.now() + Number(values.minutes) * 60_000;
const busy = new Worker('for (;;);', { eval: true });
const rival = await startFastcache();
let mostLagMs = 0;
let mostLagBytes = 0;
let runs = 0;
try {
  const before = await countsOf(rival.primaryPort);
  const sampling = sample();
  while (Date.now() < endsAt) {
    const flags = { t: 'set', r: 1_000_000, d: 64, c: 50, P: 64, n: REQUESTS };
    await redisBenchmark(rival.primaryPort, flags);
    runs += 1;
  }
  await sampling;
  const after = await countsOf(rival.primaryPort);
  console.log(`${runs * REQUESTS} SETs in ${values.minutes} minutes while a core was taken`);
  console.log(
    `snapshots ${after.snapshots - before.snapshots}, resumptions ${after.resumed - before.resumed}`,
  );
  console.log(`behind at most ${mostLagMs} ms, ${mostLagBytes} bytes`);
  await eventually(
    () => Promise.all([rival.primaryPort, rival.replicaPort].map((port) => redisCli(port, 'dbsize'))),
    ([one, other]) => one === other,
  );
  console.log('Both hold the same number of keys.');
} finally {
  await busy.terminate();
  await rival.stop();
}

/** Looks at the replica again and again, until the time is over. */
async function sample(): Promise<void> {
  while (Date.now() < endsAt) {
    const info = await redisCli(rival.primaryPort, 'info', 'replication');
    mostLagMs = Math.max(mostLagMs, numberIn(info, /lag_ms=(\d+)/));
    mostLagBytes = Math.max(mostLagBytes, numberIn(info, /lag_bytes=(\d+)/));
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
  }
}

/** Returns how many replicas were given a snapshot, and how many resumed from the backlog. */
async function countsOf(port: number): Promise<{ snapshots: number; resumed: number }> {
  const info = await redisCli(port, 'info', 'stats');
  return { snapshots: numberIn(info, /sync_full:(\d+)/), resumed: numberIn(info, /sync_partial_ok:(\d+)/) };
}

function numberIn(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0);
}
