/** The memory of a backlog: its bytes and a quarter at most, whatever the sizes of its frames. */
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { repositoryRoot } from '../../support/processes.js';

/** The defaults of a primary. */
const SHARDS = 4;
const BACKLOG_BYTES = 67_108_864;
const MAX_BYTES = 83_886_080;

interface Costs {
  /** On the heap and in buffers. */
  accounted: number;
  rss: number;
  frameBytes: number;
}

function costsOf(...frameSizes: number[]): Costs {
  const script = 'test/replication/stream/backlog-memory.ts';
  const args = [SHARDS, BACKLOG_BYTES, ...frameSizes].map(String);
  const output = execFileSync(process.execPath, ['--expose-gc', '--import', 'tsx', script, ...args], {
    cwd: repositoryRoot,
    encoding: 'utf8',
  });
  return JSON.parse(output) as Costs;
}

it.each([
  ['one small record each', [80]],
  ['too large to share a block, by one byte', [4_097]],
  ['all sizes', [80, 300, 5_000, 40_000, 90, 100_000, 2_000]],
])('64 MiB of frames of %s cost at most 80 MiB', (_, frameSizes) => {
  const { accounted, rss, frameBytes } = costsOf(...frameSizes);
  expect(frameBytes).toBeGreaterThan(BACKLOG_BYTES - 4 * 1_048_576);
  expect(frameBytes).toBeLessThanOrEqual(BACKLOG_BYTES);
  expect(accounted).toBeLessThanOrEqual(MAX_BYTES);
  expect(rss).toBeLessThanOrEqual(MAX_BYTES);
});
