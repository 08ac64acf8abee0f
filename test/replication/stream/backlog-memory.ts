/**
 * Fills a backlog and writes to stdout, as JSON, what it costs in bytes. A process of its own, with
 * `--expose-gc`, for memory is the process's: `node --expose-gc --import tsx backlog-memory.ts SHARDS BYTES
 * FRAME_BYTES…`. Frames of the sizes named follow each other by turns, over all shards, in more bytes than
 * are kept, so that old ones go.
 */
import { Backlog } from '../../../src/replication/stream/backlog.js';

const [shards = 1, bytes = 0, ...frameSizes] = process.argv.slice(2).map(Number);

/**
 * Frames that are pushed and copied, or dropped, are garbage; of so many bytes at most, so that it is not
 * counted.
 */
const GARBAGE_BYTES = 1_048_576;

function used() {
  globalThis.gc?.();
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  // `external` has the array buffers in it.
  return { rss, accounted: heapUsed + external };
}

function fill(backlog: Backlog, fillBytes: number): void {
  const sequences = new Array<bigint>(shards).fill(0n);
  let sinceCollected = 0;
  for (let pushed = 0, index = 0; pushed < fillBytes; index += 1) {
    const frame = Buffer.allocUnsafeSlow(frameSizes[index % frameSizes.length] ?? 1);
    const shard = Math.floor(index / frameSizes.length) % shards;
    const sequence = (sequences[shard] ?? 0n) + 1n;
    sequences[shard] = sequence;
    backlog.push(shard, frame.fill(index), sequence, sequence, index);
    pushed += frame.length;
    sinceCollected += frame.length;
    if (sinceCollected < GARBAGE_BYTES) continue;
    sinceCollected = 0;
    globalThis.gc?.();
  }
}

const backlog = new Backlog({ shards, maxBytes: bytes });
fill(new Backlog({ shards, maxBytes: 262_144 }), 16 * GARBAGE_BYTES);
const before = used();
fill(backlog, 1.25 * bytes);
const after = used();
const frameBytes = backlog.windows().reduce((sum, window) => sum + window.bytes, 0);
const costs = { accounted: after.accounted - before.accounted, rss: after.rss - before.rss, frameBytes };
process.stdout.write(`${JSON.stringify(costs)}\n`);
