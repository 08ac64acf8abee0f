/** The keys of a store, one after the other. */
import type { Bytes } from '../engine/bytes.js';
import type { ShardEngine } from '../engine/shard-engine.js';

/** Keys that one step of the store's scan looks at. */
const STEP_KEYS = 500;
const SPECIAL = /[*?[\]\\]/g;

/**
 * Yields the live keys that begin with `prefix`, as bytes. A key that is there throughout comes exactly once,
 * whatever is written meanwhile; the store may be read and written between two keys.
 */
export function* keysWith(engine: ShardEngine, prefix: Bytes): Generator<Buffer> {
  const pattern = patternOf(prefix);
  let cursor = 0n;
  do {
    const step = engine.keyspace.scan(cursor, STEP_KEYS, pattern);
    cursor = step.cursor;
    for (const part of step.keys.parts) yield* bulkStrings(part);
  } while (cursor !== 0n);
}

/** Returns a key as the store's narrower calls take it. */
export function bytesOf(content: Bytes): Uint8Array {
  return typeof content === 'string' ? Buffer.from(content) : content;
}

/** Redis' glob pattern of what begins with `prefix`. */
function patternOf(prefix: Bytes): Buffer {
  // Each byte is a character of Latin-1, so that bytes of a character are not taken for special ones.
  const bytes = Buffer.from(bytesOf(prefix)).toString('latin1');
  return Buffer.from(`${bytes.replace(SPECIAL, '\\$&')}*`, 'latin1');
}

/** Yields what a run of bulk strings of the Redis protocol holds. */
function* bulkStrings(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const start = bytes.indexOf('\r\n', at) + 2;
    const end = start + Number(bytes.toString('latin1', at + 1, start - 2));
    yield bytes.subarray(start, end);
    at = end + 2;
  }
}
