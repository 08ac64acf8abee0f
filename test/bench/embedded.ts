/**
 * The library in a program: from `primary.set` until a replica in another process has applied all, beside the
 * Rust crate where its program is built; and `get` of an embedded replica.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Primary } from '../../src/index.js';
import { FastcacheProcess, repositoryRoot } from '../support/processes.js';
import { RespClient } from '../support/resp-client.js';
import { RustPrimary, RustReplica, rustPeer } from '../support/rust-peer.js';
import { median } from './statistics.js';

/** Records or calls a second; medians of the rounds. */
export interface EmbeddedFigures {
  readonly appliedPerSecond: number;
  /** The crate's: undefined where its program is not built. */
  readonly crateAppliedPerSecond: number | undefined;
  readonly textGetsPerSecond: number;
  readonly bufferGetsPerSecond: number;
  /** Objects that are kept decoded, and the same decoded at each get. */
  readonly keptObjectsPerSecond: number;
  readonly parsedObjectsPerSecond: number;
}

const run = promisify(execFile);

const KEYS = 1_000_000;
const VALUE_BYTES = 64;
const PASSES = 4;
/** Writes of one turn of the event loop. */
const WRITES_A_TURN = 1_000;
/** Frames that the crate holds for a replica before it disconnects it: enough for all that is written. */
const CRATE_QUEUE_FRAMES = 1_000_000;

/** Returns the figures of this process and of the crate by turns. */
export async function benchEmbedded({
  rounds,
  scale,
}: {
  rounds: number;
  scale: number;
}): Promise<EmbeddedFigures> {
  const count = Math.round(KEYS * scale);
  const applied: number[] = [];
  const crateApplied: number[] = [];
  const textGets: number[] = [];
  const bufferGets: number[] = [];
  const keptObjects: number[] = [];
  const parsedObjects: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    applied.push(await appliedPerSecond(count));
    if (rustPeer.isThere) crateApplied.push(await crateAppliedPerSecond(count));
    const gets = await getsPerSecond(count);
    textGets.push(gets.text);
    bufferGets.push(gets.buffer);
    keptObjects.push(gets.kept);
    parsedObjects.push(gets.parsed);
  }
  return {
    appliedPerSecond: median(applied),
    crateAppliedPerSecond: crateApplied.length === 0 ? undefined : median(crateApplied),
    textGetsPerSecond: median(textGets),
    bufferGetsPerSecond: median(bufferGets),
    keptObjectsPerSecond: median(keptObjects),
    parsedObjectsPerSecond: median(parsedObjects),
  };
}

async function appliedPerSecond(count: number): Promise<number> {
  const primary = await Primary.start({ bind: '127.0.0.1:0', listen: false });
  const replica = new FastcacheProcess(['replica', 'follow', primary.bindAddress, '--listen', ':0']);
  const { listen } = await replica.event('ready');
  await replica.event('caught-up');
  const client = await RespClient.connect(String(listen));
  const keys = benchKeys(count);
  const tookMs = await timeOfLast(async (pass) => {
    await write(primary, keys);
    primary.set('pass', pass);
    while (String(await client.command('GET', 'pass')) !== pass) await new Promise(setImmediate);
  });
  client.socket.destroy();
  await Promise.all([replica.kill(), primary.close()]);
  return (count / tookMs) * 1_000;
}

async function crateAppliedPerSecond(count: number): Promise<number> {
  const primary = await RustPrimary.start({ subscriberFrames: CRATE_QUEUE_FRAMES });
  const replica = await RustReplica.start(primary.address);
  await primary.set('first', 'x');
  await replica.reached(await primary.watermarks());
  const tookMs = await timeOfLast(async () => {
    await primary.startFill(0, count, VALUE_BYTES);
    await primary.filled();
    await replica.reached(await primary.watermarks());
  });
  await Promise.all([replica.kill(), primary.kill()]);
  return (count / tookMs) * 1_000;
}

interface Gets {
  text: number;
  buffer: number;
  kept: number;
  parsed: number;
}

async function getsPerSecond(count: number): Promise<Gets> {
  const primary = await Primary.start({ bind: '127.0.0.1:0', listen: false });
  await write(primary, benchKeys(count));
  const args = ['--import', 'tsx', 'test/bench/embedded-gets.ts', primary.bindAddress, String(count)];
  const { stdout } = await run(process.execPath, args, { cwd: repositoryRoot });
  await primary.close();
  return JSON.parse(stdout);
}

/** Returns the milliseconds of the last of some passes: the others warm the program up. */
export async function timeOfLast(work: (pass: string) => Promise<void>): Promise<number> {
  let startedMs = 0;
  for (let pass = 1; pass <= PASSES; pass += 1) {
    startedMs = performance.now();
    await work(String(pass));
  }
  return performance.now() - startedMs;
}

async function write(primary: Primary, keys: readonly string[]): Promise<void> {
  const value = Buffer.alloc(VALUE_BYTES, 'x');
  for (let from = 0; from < keys.length; from += WRITES_A_TURN) {
    for (const key of keys.slice(from, from + WRITES_A_TURN)) primary.set(key, value);
    await new Promise(setImmediate);
  }
}

/** Returns keys of 16 bytes in an order that no memory foresees. */
export function benchKeys(count: number): string[] {
  return Array.from({ length: count }, (_, key) => `key:${String((key * 7_919) % count).padStart(12, '0')}`);
}
