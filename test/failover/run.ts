/**
 * `npm run sentinel:rounds [-- --rounds N --server fastcache|redis --tls --remembers --follow-roles --only
 * kill,…]`: failovers by stock Sentinels, round after round, with figures at the end. Redis instead of
 * fastcache shows what is Sentinel's own. With --tls everything is by TLS and asks for a password. With
 * --remembers servers of fastcache have role files, and ask the Sentinels at their start; the scenario
 * `return` does so in any case. With --follow-roles writers that Sentinels send to a replica go to the
 * primary of that, which no client library does.
 */
import { parseArgs } from 'node:util';
import { median } from '../bench/statistics.js';
import { Cluster, type ServerKind } from './cluster.js';
import {
  cutLinks,
  type Failover,
  type HandOver,
  haltPrimary,
  handOver,
  killPrimary,
  killReplicaThenPrimary,
  restartEmpty,
  restartRemembering,
} from './scenarios.js';
import { type Losses, Writers } from './writers.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    server: { type: 'string', default: 'fastcache' },
    only: { type: 'string', default: 'kill,failover,double,halt,cuts,return,restart' },
    tls: { type: 'boolean', default: false },
    'follow-roles': { type: 'boolean', default: false },
    remembers: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const kind = values.server as ServerKind;
const who = values.tls ? `${kind} with TLS` : kind;
const faults: string[] = [];

/** Milliseconds within which what follows must have happened. */
const FIRST_WRITE_MS = 4_500;
const FIRST_WRITE_MEDIAN_MS = 3_600;
const BACK_MS = 20_000;
const HAND_OVER_PAUSE_MS = 500;

const scenarios: Record<string, () => Promise<void>> = {
  kill: () => failovers('kill -9 of the primary', killPrimary),
  double: () =>
    failovers('kill -9 of a replica that catches up, then of the primary', killReplicaThenPrimary),
  return: () =>
    failovers('restart of an empty primary that remembers its role', restartRemembering, {
      remembersRoles: true,
      // It takes one itself.
      snapshotsPerRound: 1,
    }),
  async failover() {
    const done: HandOver[] = [];
    await inCluster({ minReplicas: 0 }, async (cluster, writers) => {
      for (let round = 0; round < rounds; round += 1) {
        const handedOver = await handOver(cluster, writers);
        done.push(handedOver);
        console.log(`FAILOVER, round ${round + 1}: ${JSON.stringify(handedOver, rounded)}`);
      }
    });
    console.log(
      `${who}, FAILOVER, ${rounds} rounds: pause of writes ${spread(done.map(({ pauseMs }) => pauseMs))}, named by ` +
        `all Sentinels behind ${spread(done.map(({ namedMs }) => namedMs))}; ${lossesText(done)}; ` +
        `${sum(done, 'snapshots')} snapshots; another one promoted ${sum(done, 'astray')} times`,
    );
    expectNone('promotions of another one than the heir', sum(done, 'astray'));
    expectNone('writes lost', sum(done, 'lost'));
    expectNone('snapshots', sum(done, 'snapshots'));
    const pauses = done.map(({ pauseMs }) => pauseMs);
    // Of fewer than 100 rounds the longest is the 99th percentile.
    expectAtMost('pause of writes', Math.max(...pauses), HAND_OVER_PAUSE_MS);
  },
  async restart() {
    let lost = 0;
    for (let round = 0; round < rounds; round += 1) {
      await inCluster({}, async (cluster, writers) => {
        const { lostKeys } = await restartEmpty(cluster, writers);
        lost += lostKeys;
      });
    }
    expectNone('keys that replicas lost', lost);
    console.log(`restart of an empty primary within down-after, ${rounds} rounds: ${lost} keys lost`);
  },
  async halt() {
    let late = 0;
    await inCluster({ minReplicas: 1 }, async (cluster, writers) => {
      for (let round = 0; round < rounds; round += 1) {
        const { acknowledgedLate, losses } = await haltPrimary(cluster, writers);
        late += acknowledgedLate;
        expectNone('writes lost that WAIT acknowledged', losses.lostReplicated);
        console.log(`halt ${round + 1}: ${acknowledgedLate} acknowledged late, ${JSON.stringify(losses)}`);
      }
    });
    expectNone('writes that a halted primary acknowledged', late);
  },
  async cuts() {
    await inCluster({}, async (cluster) => {
      const views = await cutLinks(cluster, 100);
      console.log(`${who}, 100 cuts: ${views.join(' ')}`);
    });
  },
};

for (const name of values.only.split(',')) await scenarios[name]!();
for (const fault of faults) console.log(`FAULT: ${fault}`);
console.log(faults.length === 0 ? 'The rounds passed.' : `The rounds failed: ${faults.length} faults.`);
process.exit(faults.length === 0 ? 0 : 1);

async function failovers(
  what: string,
  scenario: (cluster: Cluster, writers: Writers) => Promise<Failover>,
  {
    remembersRoles = values.remembers,
    snapshotsPerRound = 0,
  }: { remembersRoles?: boolean; snapshotsPerRound?: number } = {},
): Promise<void> {
  const done: Failover[] = [];
  await inCluster({ remembersRoles }, async (cluster, writers) => {
    for (let round = 0; round < rounds; round += 1) {
      const failover = await scenario(cluster, writers);
      done.push(failover);
      console.log(`${what}, round ${round + 1}: ${JSON.stringify(failover, rounded)}`);
    }
  });
  const firsts = done.map(({ firstWriteMs }) => firstWriteMs);
  const backs = done.map(({ backMs }) => backMs);
  console.log(
    `${who}, ${what}, ${rounds} rounds: first write behind ${spread(firsts)}, back behind ${spread(backs)}; ` +
      `${lossesText(done)}; ${sum(done, 'snapshots')} snapshots`,
  );
  expectNone('writes lost that WAIT acknowledged', sum(done, 'lostReplicated'));
  expectNone('snapshots too many', sum(done, 'snapshots') - snapshotsPerRound * rounds);
  expectAtMost('first write', Math.max(...firsts), FIRST_WRITE_MS);
  expectAtMost('median of the first writes', median(firsts), FIRST_WRITE_MEDIAN_MS);
  expectAtMost('return of the old primary', Math.max(...backs), BACK_MS);
}

async function inCluster(
  options: { minReplicas?: number; remembersRoles?: boolean },
  body: (cluster: Cluster, writers: Writers) => Promise<void>,
): Promise<void> {
  const cluster = await Cluster.start({ kind, isByTls: values.tls, ...options });
  try {
    await body(cluster, new Writers(cluster, { followsRoles: values['follow-roles'] }));
    faults.push(...cluster.complaints());
  } finally {
    await cluster.close();
  }
}

function expectNone(what: string, count: number): void {
  if (count > 0) faults.push(`${count} ${what}`);
}

function expectAtMost(what: string, ms: number, limitMs: number): void {
  if (ms > limitMs) faults.push(`${what}: ${ms.toFixed(0)} ms, of ${limitMs} at most`);
}

function sum<Field extends string>(rows: readonly Readonly<Record<Field, number>>[], field: Field): number {
  return rows.reduce((total, row) => total + row[field], 0);
}

function lossesText(rows: readonly Losses[]): string {
  return (
    `of ${sum(rows, 'acknowledged')} writes ${sum(rows, 'lost')} lost, ` +
    `of ${sum(rows, 'replicated')} with WAIT ${sum(rows, 'lostReplicated')}`
  );
}

/** The median and the extremes of some milliseconds. */
function spread(samples: readonly number[]): string {
  const [least, middle, most] = [Math.min(...samples), median(samples), Math.max(...samples)];
  return `${middle.toFixed(0)} ms (median; ${least.toFixed(0)} to ${most.toFixed(0)})`;
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value) : value;
}
