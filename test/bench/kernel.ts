/**
 * The per-record work alone, in this process: SETs through the kernel as they come from a socket, hashing,
 * storing and encoding included, and applying the same batches; beside a plain `Map` that only stores. The
 * ratio counts.
 */
import { systemClock } from '../../src/clock.js';
import { ShardEngine } from '../../src/engine/shard-engine.js';
import { type CommandSink, CommandWindow } from '../../src/resp/command-window.js';
import { encodeCommand } from '../../src/resp/inline.js';
import { median } from './statistics.js';

export interface KernelFigures {
  /** Records a second, medians of the rounds: SETs into an empty store, then of the same keys again. */
  fillAndEncode: number;
  setAndEncode: number;
  get: number;
  /** The batches of the first SETs, into an empty store. */
  apply: number;
  /** A `Map` of strings that is set with the same keys and values. */
  mapSet: number;
}

const KEYS = 1_000_000;
export const PIPELINE = 1_000;
export const GROWN_KEYS = 10_000_000;
const GROWN_AT_ONCE = 10;
export const SINK: CommandSink = {
  mode: 0,
  reply: () => true,
  ran: () => {},
  changedOwn: () => {},
  command: () => 'drop',
  fail: () => {},
};

export function benchKernel({ rounds, scale }: { rounds: number; scale: number }): KernelFigures {
  const count = Math.max(PIPELINE, Math.round((KEYS * scale) / PIPELINE) * PIPELINE);
  const keys = Array.from({ length: count }, (_, i) => `key:${String((i * 7919) % count).padStart(12, '0')}`);
  const value = 'v'.repeat(64);
  const sets = pipelines(keys, (key) => ['SET', key, value]);
  const gets = pipelines(keys, (key) => ['GET', key]);

  const samples: Record<keyof KernelFigures, number[]> = {
    fillAndEncode: [],
    setAndEncode: [],
    apply: [],
    get: [],
    mapSet: [],
  };
  for (let round = 0; round < rounds; round++) {
    const primary = engine();
    const batches: Buffer[] = [];
    primary.onBatch = ({ payload }) => batches.push(Buffer.from(payload));
    samples.fillAndEncode.push(rate(count, () => run(primary, sets)));
    primary.flush();
    primary.onBatch = () => {};
    samples.setAndEncode.push(rate(count, () => run(primary, sets)));
    samples.get.push(rate(count, () => run(primary, gets)));
    const replica = engine();
    replica.setReplica(true);
    samples.apply.push(
      rate(count, () => {
        for (const batch of batches) replica.apply(batch);
      }),
    );
    const map = new Map<string, string>();
    samples.mapSet.push(
      rate(count, () => {
        for (const key of keys) map.set(key, value);
      }),
    );
    if (replica.keyCount() !== count || map.size !== count) throw new Error('the benchmark lost keys');
  }
  const medians = Object.entries(samples).map(([name, values]) => [name, median(values)]);
  return Object.fromEntries(medians) as KernelFigures;
}

/**
 * The longest calls, milliseconds, while a store grows to ten million keys, ten at a time and every other
 * with an expiry (docs/performance.md, "Growth without a pause"). The first calls also wait for the kernel to
 * be compiled.
 */
export function benchGrowth({ scale }: { scale: number }): number[] {
  const store = engine();
  const window = new CommandWindow(store, systemClock);
  const words = (text: string) => text.split(' ').map((word) => Buffer.from(word));
  const slowest: number[] = [];
  for (let from = 0; from < GROWN_KEYS * scale; from += GROWN_AT_ONCE) {
    const commands: Buffer[] = [];
    for (let key = from; key < from + GROWN_AT_ONCE; key++) {
      const expiry = key % 2 === 0 ? '' : ' PX 100000000';
      commands.push(encodeCommand(words(`SET key:${key} ${'v'.repeat(32)}${expiry}`)));
    }
    const input = Buffer.concat(commands);
    const begun = performance.now();
    window.run([input], SINK);
    const tookMs = performance.now() - begun;
    if (slowest.length < 5 || tookMs > slowest.at(-1)!) {
      slowest.push(tookMs);
      slowest.sort((a, b) => b - a).splice(5);
    }
  }
  return slowest;
}

/** Makes a store of four shards; `digests`: whether it keeps them. */
export function engine(digests = true): ShardEngine {
  return new ShardEngine({
    shards: 4,
    route: 'full-key',
    clock: systemClock,
    secret: 1n,
    batchMaxRecords: 512,
    batchMaxBytes: 1_048_576,
    maxValueBytes: 1_048_576,
    digests,
  });
}

export function pipelines(keys: string[], command: (key: string) => string[]): Buffer[] {
  const buffers: Buffer[] = [];
  for (let at = 0; at < keys.length; at += PIPELINE) {
    const commands = keys
      .slice(at, at + PIPELINE)
      .map((key) => encodeCommand(command(key).map((word) => Buffer.from(word))));
    buffers.push(Buffer.concat(commands));
  }
  return buffers;
}

function run(store: ShardEngine, inputs: Buffer[]): void {
  const window = new CommandWindow(store, systemClock);
  for (const input of inputs) {
    if (window.run([input], SINK) !== undefined) throw new Error('a pipeline was not run to its end');
  }
}

function rate(count: number, work: () => void): number {
  const begun = performance.now();
  work();
  return Math.round((count / (performance.now() - begun)) * 1000);
}
