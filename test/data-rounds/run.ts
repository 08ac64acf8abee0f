/**
 * `npm run data:rounds [-- --rounds N --only always,everysec,… --step N]`: data directories of real
 * processes on real disks, round after round, with figures at the end (docs/reliability.md, "Data rounds").
 * With --step only every Nth operation fails in the scenario `faults`. The scenario `large` is played only
 * if it is named: it writes 10 GiB.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { median } from '../bench/statistics.js';
import { compiler, type DiskFault } from './failing-disk.js';
import { type FaultyRun, FaultyRuns } from './faulty-run.js';
import { type FullDisk, FullDiskRounds, tmpfs } from './full-disk.js';
import { playLarge } from './large.js';
import type { Losses } from './load.js';
import { Contestants } from './one-directory.js';
import { Chain, discard, type Fsync, type Kill, KilledServer, type Turn } from './scenarios.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    only: { type: 'string', default: 'always,everysec,turns,killed-turns,faults,full,two' },
    step: { type: 'string', default: '1' },
  },
});
const faults: string[] = [];
/** The time of writes that `everysec` may lose. */
const LOST_MS = 2_000;
/** So many runs at once have operations fail. */
const LANES = 2;
/** So many runs without a fault: there are no more operations. */
const RUNS_WITHOUT = 4;
/** Writes must be taken again within so many milliseconds once there is room. */
const TAKEN_MS = 10_000;

const scenarios: Record<string, () => Promise<void>> = {
  always: () => kills('always', 200),
  everysec: () => kills('everysec', 50),
  turns: () => turns('SIGTERM'),
  'killed-turns': () => turns('SIGKILL'),
  async faults() {
    if (!isThere(compiler)) return;
    await inDirectory(async (directory) => {
      const runs = await FaultyRuns.prepare(directory);
      await operationsFail(runs, { code: 'EIO', count: 1 }, false);
      await operationsFail(runs, { code: 'EIO', count: 1 }, true);
      await operationsFail(runs, { code: 'ENOSPC', count: 12 }, false);
    });
  },
  async full() {
    if (!isThere(tmpfs)) return;
    const rounds = roundsOf(20);
    const done: FullDisk[] = [];
    await inDirectory(async (directory) => {
      const disk = await FullDiskRounds.start(directory);
      try {
        for (let round = 0; round < rounds; round += 1) {
          const full = await disk.fill(round % 2 === 1);
          done.push(full);
          console.log(`full disk, ${round + 1}: ${JSON.stringify(full, rounded)}`);
        }
      } finally {
        await disk.close();
      }
    });
    const takenMs = done.filter(({ isKilled }) => !isKilled).map((full) => full.takenMs);
    console.log(
      `a disk that fills up and gets room again, ${rounds} times: ${lossesText(done)}; refused behind ` +
        `${spread(done.map(({ refusedMs }) => refusedMs))}, taken again ${spread(takenMs)} behind room`,
    );
    faults.push(...done.flatMap((full) => full.faults));
    expectNone('acknowledged writes lost', sum(done, 'lost'));
    expectNone('values that nobody wrote', sum(done, 'wrong'));
    if (Math.max(...takenMs) > TAKEN_MS)
      faults.push(`writes are taken ${Math.max(...takenMs)} ms behind room`);
  },
  async two() {
    const rounds = roundsOf(20);
    let alone = 0;
    await inDirectory(async (directory) => {
      const contestants = await Contestants.place(join(directory, 'data'));
      for (let round = 0; round < rounds; round += 1) {
        const contest = await contestants.contend();
        if (contest.winners === 1) alone += 1;
        faults.push(...contest.faults);
      }
    });
    console.log(`two processes on one directory, ${rounds} times: one alone has it ${alone} times`);
    expectNone('contests without one winner', rounds - alone);
  },
  large: () =>
    inDirectory(async (directory) => {
      faults.push(...(await playLarge(directory)));
    }),
};

for (const name of values.only.split(',')) await scenarios[name]!();
for (const fault of faults) console.log(`FAULT: ${fault}`);
console.log(faults.length === 0 ? 'The rounds passed.' : `The rounds failed: ${faults.length} faults.`);
process.exit(faults.length === 0 ? 0 : 1);

async function kills(fsync: Fsync, usual: number): Promise<void> {
  const rounds = roundsOf(usual);
  const done: Kill[] = [];
  await inDirectory(async (directory) => {
    const server = await KilledServer.start(directory, fsync);
    for (let round = 0; round < rounds; round += 1) {
      const kill = await server.kill(Math.random(), round % 2 === 0);
      done.push(kill);
      console.log(`kill -9 with ${fsync}, ${round + 1}: ${JSON.stringify(kill, rounded)}`);
    }
    await server.close();
  });
  const lostMs = Math.max(...done.map((kill) => kill.lostMs));
  console.log(
    `kill -9 under load with ${fsync}, ${rounds} rounds, ${count(done, 'isInBase')} while a base was made, ` +
      `${count(done, 'isTorn')} tears: ${lossesText(done)}, the oldest acknowledged ${lostMs.toFixed(0)} ms ` +
      `before; started again in ${spread(done.map(({ startMs }) => startMs))}`,
  );
  expectNone('values that nobody wrote', sum(done, 'wrong'));
  if (fsync === 'always') expectNone('acknowledged writes lost', sum(done, 'lost'));
  else if (lostMs > LOST_MS) faults.push(`a write was lost ${lostMs.toFixed(0)} ms behind its answer`);
}

async function turns(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const rounds = roundsOf(20);
  const done: Turn[] = [];
  await inDirectory(async (directory) => {
    const chain = await Chain.start(directory, signal === 'SIGTERM' ? 'everysec' : 'always');
    for (let round = 0; round < rounds; round += 1) {
      const turn = await chain.turn(signal);
      done.push(turn);
      console.log(`${signal} in turn, ${round + 1}: ${JSON.stringify(turn, rounded)}`);
    }
    await chain.close();
  });
  console.log(
    `${signal} of primary, relay and leaf in turn, ${rounds} rounds: ${sum(done, 'snapshots')} snapshots, ` +
      `equal behind ${count(done, 'isEqual')}; ${lossesText(done)}; the longest pause of writes ` +
      `${spread(done.map(({ pauseMs }) => pauseMs))}`,
  );
  expectNone('acknowledged writes lost', sum(done, 'lost'));
  expectNone('values that nobody wrote', sum(done, 'wrong'));
  if (signal === 'SIGTERM') expectNone('snapshots', sum(done, 'snapshots'));
}

/** Has one operation after the other fail, until there are no more; `isNew`: of a directory that is new. */
async function operationsFail(runs: FaultyRuns, fault: Omit<DiskFault, 'at'>, isNew: boolean): Promise<void> {
  const done: FaultyRun[] = [];
  let at = 1;
  const lane = async () => {
    while (done.slice(-RUNS_WITHOUT).some(({ outcome }) => outcome !== 'none') || done.length === 0) {
      const place = at;
      at += Number(values.step);
      const run = await runs.play({ ...fault, at: place }, isNew);
      done.push(run);
      console.log(`${fault.code} at ${place}: ${run.outcome}, ${run.failed}, ${run.refused} refused`);
      faults.push(...run.faults);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const outcomes = new Set(done.map(({ outcome }) => outcome));
  const counts = [...outcomes].map(
    (each) => `${done.filter(({ outcome }) => outcome === each).length} ${each}`,
  );
  console.log(
    `${fault.code}, ${fault.count} at a time, ${isNew ? 'new' : 'with content'}: ${counts.join(', ')}`,
  );
}

function isThere({ name, isThere, remedy }: { name: string; isThere: boolean; remedy: string }): boolean {
  if (!isThere) faults.push(`${name} is missing: ${remedy}`);
  return isThere;
}

/** A run that fails leaves its directory behind, to be looked at. */
async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'fastcache-rounds-'));
  const before = faults.length;
  try {
    await body(directory);
  } catch (error) {
    console.log(`${directory} is left as it is`);
    throw error;
  }
  if (faults.length === before) discard(directory);
}

function roundsOf(usual: number): number {
  return Number(values.rounds ?? usual);
}

function expectNone(what: string, found: number): void {
  if (found > 0) faults.push(`${found} ${what}`);
}

function sum<Field extends string>(rows: readonly Readonly<Record<Field, number>>[], field: Field): number {
  return rows.reduce((total, row) => total + row[field], 0);
}

function count<Field extends string>(
  rows: readonly Readonly<Record<Field, boolean>>[],
  field: Field,
): number {
  return rows.filter((row) => row[field]).length;
}

function lossesText(rows: readonly Losses[]): string {
  return `of ${sum(rows, 'acknowledged')} writes ${sum(rows, 'lost')} lost`;
}

/** The median and the extremes of some milliseconds. */
function spread(samples: readonly number[]): string {
  const [least, middle, most] = [Math.min(...samples), median(samples), Math.max(...samples)];
  return `${middle.toFixed(0)} ms (median; ${least.toFixed(0)} to ${most.toFixed(0)})`;
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value) : value;
}
