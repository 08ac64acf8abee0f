/**
 * One record of which a replica drops, repeats or misplaces what it says (test/support/sim/wrong-record.ts):
 * the heartbeats find it. `SIM_SEEDS=1000` plays more seeds; `SIM_SEED=n` plays that one alone.
 */
import '../support/debug-kernel.js';
import '../support/sim/preloaded.js';

import { expect, it } from 'vitest';
import { DivergenceSimulation, type FoundWrong } from '../support/sim/divergence-simulation.js';
import { wrongs } from '../support/sim/wrong-record.js';

const { SIM_SEED, SIM_SEEDS } = process.env;
const SEEDS = Math.min(Number(SIM_SEEDS ?? 36), 10_000);
const seeds = SIM_SEED === undefined ? Array.from({ length: SEEDS }, (_, seed) => seed) : [Number(SIM_SEED)];
const found: FoundWrong[] = [];

it.each(seeds)('seed %i is found within two heartbeats, and mended', async (seed) => {
  try {
    found.push(await new DivergenceSimulation(seed).play());
  } catch (cause) {
    const again = `SIM_SEED=${seed} npx vitest run --project sim test/sim/divergence.test.ts`;
    throw new Error(`${(cause as Error).message}\nTo see it again: ${again}`, { cause });
  }
});

it.runIf(seeds.length >= wrongs.length)('nothing was left out that can be wrong', () => {
  expect(new Set(found.map(({ wrong }) => wrong))).toEqual(new Set(wrongs));
  const times = found.map(({ afterMs }) => afterMs).sort((one, other) => one - other);
  const first = found.filter(({ heartbeat }) => heartbeat === 1).length;
  const undone = found.reduce((sum, each) => sum + each.undone, 0);
  const median = times[Math.floor(times.length / 2)]!;
  console.log(
    `${found.length} found, ${first} with the first heartbeat, after ${median.toFixed(0)} ms (median), ${times.at(-1)!.toFixed(0)} ms at most; ` +
      `${undone} were undone by what was written next`,
  );
});
