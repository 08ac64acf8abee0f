/**
 * Values that were decoded, kept while they are what the store has, so that a value that is read often is
 * decoded once. While no key of the store changes, a value costs a Map's look-up and one call of the kernel;
 * after a change of any key, its bytes are compared with those that were decoded.
 */
import type { ShardEngine } from '../engine/shard-engine.js';
import { NO_EXPIRY } from '../frame/batch.js';
import type { Codec } from './codec.js';

/** The most values that are kept, and the most bytes that they were decoded from. */
const VALUES_MAX = 10_000;
const BYTES_MAX = 16 * 1024 * 1024;

interface Decoded {
  readonly value: unknown;
  readonly bytes: Uint8Array;
  /** When the key expires, Unix ms; Infinity for never. */
  expireAtMs: number;
  /** The store's count of changes at which this was true. */
  changes: number;
}

/** Reads of one node's store through a codec. */
export class DecodedValues {
  readonly #codec: Codec<unknown>;
  readonly #nowMs: () => number;
  readonly #kept = new Map<string, Decoded>();
  #keptBytes = 0;
  #engine: ShardEngine | undefined;

  constructor(codec: Codec<unknown>, nowMs: () => number) {
    this.#codec = codec;
    this.#nowMs = nowMs;
  }

  /** Returns the value of a live key; undefined when there is no such key. Throws as the codec does. */
  get(engine: ShardEngine, key: string): unknown {
    if (engine !== this.#engine) this.#forget(engine);
    const kept = this.#kept.get(key);
    const changes = engine.notes.changeCount();
    if (kept !== undefined && kept.changes === changes && this.#nowMs() < kept.expireAtMs) return kept.value;
    const bytes = engine.get(key);
    if (bytes === undefined) {
      if (kept !== undefined) this.#drop(key, kept);
      return undefined;
    }
    const expireAtMs = expiryMs(engine.expiryOf(Buffer.from(key)));
    // A read may have deleted what had expired, and so have changed the store.
    if (kept !== undefined && bytes.equals(kept.bytes)) {
      kept.changes = engine.notes.changeCount();
      kept.expireAtMs = expireAtMs;
      return kept.value;
    }
    const value = frozen(this.#codec.decode(bytes));
    if (kept !== undefined) this.#drop(key, kept);
    this.#keep(key, { value, bytes, expireAtMs, changes: engine.notes.changeCount() });
    return value;
  }

  #keep(key: string, decoded: Decoded): void {
    if (decoded.bytes.length > BYTES_MAX) return;
    this.#kept.set(key, decoded);
    this.#keptBytes += decoded.bytes.length;
    for (const [oldest, old] of this.#kept) {
      if (this.#kept.size <= VALUES_MAX && this.#keptBytes <= BYTES_MAX) break;
      this.#drop(oldest, old);
    }
  }

  #drop(key: string, decoded: Decoded): void {
    this.#kept.delete(key);
    this.#keptBytes -= decoded.bytes.length;
  }

  #forget(engine: ShardEngine): void {
    this.#engine = engine;
    this.#kept.clear();
    this.#keptBytes = 0;
  }
}

function expiryMs(expiry: bigint | undefined): number {
  return expiry === undefined || expiry === NO_EXPIRY ? Number.POSITIVE_INFINITY : Number(expiry);
}

/** Freezes a value that several callers are given, with all that is in it. Bytes can't be frozen. */
function frozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) frozen(part);
  return value;
}
