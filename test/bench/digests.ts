/**
 * The cost of digests for a SET, in this process: the CPU time of the kernel's work with and without them, in
 * turns. The ratio counts.
 */
import { systemClock } from '../../src/clock.js';
import { CommandWindow } from '../../src/resp/command-window.js';
import { engine, pipelines, SINK } from './kernel.js';
import { median } from './statistics.js';

/** Medians of the rounds, of SETs over keys that are there. */
export interface DigestFigure {
  readonly valueBytes: number;
  /** CPU microseconds a SET. */
  readonly withoutUs: number;
  readonly withUs: number;
  readonly ratio: number;
}

const SIZES = [
  { valueBytes: 64, keys: 400_000, passes: 3 },
  { valueBytes: 16_384, keys: 4_000, passes: 20 },
];

export function benchDigests({ rounds, scale }: { rounds: number; scale: number }): DigestFigure[] {
  return SIZES.map(({ valueBytes, keys: count, passes }) => {
    const number = Math.max(1_000, Math.round(count * scale));
    const keys = Array.from(
      { length: number },
      (_, n) => `key:${String((n * 7919) % number).padStart(12, '0')}`,
    );
    const sets = pipelines(keys, (key) => ['SET', key, 'v'.repeat(valueBytes)]);
    const cost = (digests: boolean) => cpuUs(digests, sets, passes) / (passes * number);
    const pairs = Array.from({ length: rounds }, () => [cost(false), cost(true)] as const);
    return {
      valueBytes,
      withoutUs: median(pairs.map(([without]) => without)),
      withUs: median(pairs.map(([, digested]) => digested)),
      ratio: median(pairs.map(([without, digested]) => digested / without)),
    };
  });
}

/** Returns the CPU time of the passes behind a first one, which fills the store. */
function cpuUs(digests: boolean, sets: readonly Buffer[], passes: number): number {
  const store = engine(digests);
  const window = new CommandWindow(store, systemClock);
  const pass = () => {
    for (const input of sets) window.run([input], SINK);
  };
  pass();
  const before = process.cpuUsage();
  for (let n = 0; n < passes; n += 1) pass();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
