/**
 * The seeds that a run of the tests plays, divided among files so that the workers share them.
 * `SIM_SEEDS=10000` plays more of them; `SIM_SEED=n` plays that one alone.
 */
import '../debug-kernel.js';

import { expect, it } from 'vitest';
import { type FaultName, networkFaults, type Outcome, outcomes, timedFaults } from './configuration.js';
import { Simulation, type SimulationResult } from './simulation.js';

const { SIM_SEED, SIM_SEEDS } = process.env;
const SEEDS = Number(SIM_SEEDS ?? 1_000);
/** Fewer seeds than this need not meet everything. */
const SEEDS_FOR_ALL = 200;

/** To be called once in each of `parts` files, while its tests are being described. */
export function playSeeds(part: number, parts: number): void {
  const seeds = seedsOf(part, parts);
  const hits = new Set<FaultName | Outcome>();
  for (const seed of seeds) {
    it(`seed ${seed}`, async () => {
      const result = await playSeed(seed);
      for (const hit of result.hits) hits.add(hit);
    });
  }
  if (seeds.length === 0) it.skip('another file has the seed');
  if (seeds.length < SEEDS_FOR_ALL) return;
  it('no fault was left out, and nothing that they lead to', () => {
    const missing = [...networkFaults, ...timedFaults, ...outcomes].filter((name) => !hits.has(name));
    expect(missing).toEqual([]);
  });
}

/** Fails with the command that plays the seed again. */
export async function playSeed(seed: number): Promise<SimulationResult> {
  try {
    return await new Simulation(seed).play();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${message}\nTo see it again: SIM_SEED=${seed} npx vitest run test/sim`, { cause });
  }
}

function seedsOf(part: number, parts: number): number[] {
  const all = SIM_SEED === undefined ? Array.from({ length: SEEDS }, (_, seed) => seed) : [Number(SIM_SEED)];
  return all.filter((seed) => seed % parts === part);
}
