/**
 * The simulation with a data directory for each node, on disks that lose what was not synced
 * (test/support/sim/node-disk.ts has what is compared behind a crash). `SIM_SEEDS=1000` plays the seeds up to
 * that one, and `SIM_FROM=500` those from there on; `SIM_SEED=n` plays that one alone.
 */
import '../support/debug-kernel.js';
import '../support/sim/preloaded.js';

import { expect, it } from 'vitest';
import { diskOutcomes, type FaultName, type Outcome } from '../support/sim/configuration.js';
import { Simulation } from '../support/sim/simulation.js';

const { SIM_SEED, SIM_FROM, SIM_SEEDS } = process.env;
const SEEDS = Math.min(Number(SIM_SEEDS ?? 60), 10_000);
/** Fewer seeds than this need not come to everything. */
const SEEDS_FOR_ALL = 60;
const FIRST = Number(SIM_FROM ?? 0);
const seeds =
  SIM_SEED === undefined ? Array.from({ length: SEEDS - FIRST }, (_, at) => FIRST + at) : [Number(SIM_SEED)];

const hits = new Set<FaultName | Outcome>();

it.each(seeds)('seed %i', async (seed) => {
  try {
    for (const hit of (await new Simulation(seed, { hasDisks: true }).play()).hits) hits.add(hit);
  } catch (cause) {
    const again = `SIM_SEED=${seed} npx vitest run --project sim test/sim/disks.test.ts`;
    throw new Error(`${(cause as Error).message}\nTo see it again: ${again}`, { cause });
  }
});

it.runIf(seeds.length >= SEEDS_FOR_ALL)('nothing was left out that disks come to', () => {
  expect(diskOutcomes.filter((outcome) => !hits.has(outcome))).toEqual([]);
});
