/**
 * A supervisor that promotes by offset and has primaries hand over, at random moments
 * (test/support/sim/supervised-simulation.ts has what is played and checked). `SIM_SEEDS=1000` plays more
 * seeds; `SIM_SEED=n` plays that one alone.
 */
import '../support/debug-kernel.js';

import { expect, it } from 'vitest';
import { SupervisedSimulation } from '../support/sim/supervised-simulation.js';
import { type SupervisedOutcome, supervisedOutcomes } from '../support/sim/supervisor.js';

const { SIM_SEED, SIM_SEEDS } = process.env;
const SEEDS = Math.min(Number(SIM_SEEDS ?? 60), 10_000);
/** Fewer seeds than this need not come to everything. */
const SEEDS_FOR_ALL = 100;
const seeds = SIM_SEED === undefined ? Array.from({ length: SEEDS }, (_, seed) => seed) : [Number(SIM_SEED)];

const hits = new Set<SupervisedOutcome>();

it.each(seeds)('seed %i', async (seed) => {
  try {
    for (const hit of (await new SupervisedSimulation(seed).play()).hits) hits.add(hit);
  } catch (cause) {
    const again = `SIM_SEED=${seed} npx vitest run --project sim test/sim/supervisor.test.ts`;
    throw new Error(`${(cause as Error).message}\nTo see it again: ${again}`, { cause });
  }
});

it.runIf(seeds.length >= SEEDS_FOR_ALL)('nothing was left out that supervision comes to', () => {
  expect(supervisedOutcomes.filter((outcome) => !hits.has(outcome))).toEqual([]);
});
