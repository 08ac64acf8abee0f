/**
 * `npm run sentinel:rounds [-- --rounds N --server fastcache|redis --remembers --only kill,…]`: failovers
 * by stock Sentinels, round after round, with figures at the end. Redis instead of fastcache shows what is
 * Sentinel's own. With --remembers servers of fastcache have role files, and ask the Sentinels at their
 * start; the scenario `return` does so in any case.
 */
import { parseArgs } from 'node:util';
import { median } from '../bench/statistics.js';
import { Cluster, type ServerKind } from './cluster.js';
import {
  cutLinks,
  type Failover,
  haltPrimary,
  killPrimary,
  killReplicaThenPrimary,
  restartEmpty,
  restartRemembering,
} from './scenarios.js';
import { Writers } from './writers.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    server: { type: 'string', default: 'fastcache' },
    only: { type: 'string', default: 'kill,restart,return,halt,double,cuts' },
    remembers: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const kind = values.server as ServerKind;
const faults: string[] = [];

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
      console.log(`100 cuts: ${(await cutLinks(cluster, 100)).join(' ')}`);
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
  const sum = (field: keyof Failover) => done.reduce((total, failover) => total + failover[field], 0);
  const firsts = done.map(({ firstWriteMs }) => firstWriteMs);
  console.log(
    `${kind}, ${what}, ${rounds} rounds: first write behind ${median(firsts).toFixed(0)} ms (median; ` +
      `${Math.min(...firsts).toFixed(0)} to ${Math.max(...firsts).toFixed(0)}), back behind ` +
      `${median(done.map(({ backMs }) => backMs)).toFixed(0)} ms; of ${sum('acknowledged')} writes ${sum('lost')} ` +
      `lost, of ${sum('replicated')} with WAIT ${sum('lostReplicated')}; ${sum('snapshots')} snapshots`,
  );
  expectNone('writes lost that WAIT acknowledged', sum('lostReplicated'));
  expectNone('snapshots too many', sum('snapshots') - snapshotsPerRound * rounds);
}

async function inCluster(
  options: { minReplicas?: number; remembersRoles?: boolean },
  body: (cluster: Cluster, writers: Writers) => Promise<void>,
): Promise<void> {
  const cluster = await Cluster.start({ kind, ...options });
  try {
    await body(cluster, new Writers(cluster));
    faults.push(...cluster.complaints());
  } finally {
    await cluster.close();
  }
}

function expectNone(what: string, count: number): void {
  if (count > 0) faults.push(`${count} ${what}`);
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value) : value;
}
