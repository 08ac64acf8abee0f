/** Has a replica's store do something wrong with one record that it is given, and note nothing of it. */
import { xxh3 } from '@node-rs/xxhash';
import type { ApplyResult } from '../../../src/engine/types.js';
import { type DecodedRecord, decodeBatch, encodeBatch, NO_EXPIRY } from '../../../src/frame/batch.js';
import type { RandomSource } from '../random.js';
import { ObservedEngine } from './observed-engine.js';

/**
 * `in another shard`: the value is set in another shard, under a key that belongs to that one. `lost`: a
 * whole batch was never there, so that the sequences are too low as well.
 */
export const wrongs = ['dropped', 'applied twice', 'in another shard', 'lost'] as const;
export type Wrong = (typeof wrongs)[number];

type Record = Omit<DecodedRecord, 'offset' | 'keyTag' | 'governance'>;

const NO_KEY = Buffer.from('a key that nobody has');
/** Records that may be applied again. */
const PAST_MAX = 100;

/** From its making on each batch is watched for a record with which it can be done. */
export class WrongRecord {
  /** Whether it was done. */
  isDone = false;
  readonly #store: ObservedEngine;
  readonly #wrong: Wrong;
  readonly #random: RandomSource;
  readonly #past: Record[] = [];

  constructor(store: ObservedEngine, wrong: Wrong, random: RandomSource) {
    this.#store = store;
    this.#wrong = wrong;
    this.#random = random;
    store.apply = (payload) => this.#apply(payload);
  }

  /** Leaves the store alone. */
  end(): void {
    this.#store.apply = ObservedEngine.prototype.apply;
  }

  #apply(payload: Uint8Array): ApplyResult {
    const store = this.#store;
    const right = (bytes: Uint8Array) => ObservedEngine.prototype.apply.call(store, bytes);
    // The payload is memory of the connection's.
    const records = Array.from(decodeBatch(Buffer.from(payload)).records);
    const isNew = ({ shard, sequence }: Record) => sequence > store.watermark(shard);
    const effective = records.filter((record) => isNew(record) && isAlone(records, record));
    const wanted = effective.filter((record) => this.#isWanted(record));
    if (this.#wrong === 'applied twice') {
      const result = right(payload);
      this.#repeat();
      this.#past.push(...records);
      this.#past.splice(0, this.#past.length - PAST_MAX);
      return result;
    }
    if (wanted.length === 0) return right(payload);
    const chosen = this.#random.pick(wanted);
    this.#done();
    if (this.#wrong === 'lost') {
      return { applied: 0, skipped: records.length, lastTimestampMs: Number(chosen.timestampMs) };
    }
    return right(encodeBatch(records.map((record) => (record === chosen ? this.#spoiled(record) : record))));
  }

  #isWanted(record: Record): boolean {
    return (
      changes(this.#store, record) &&
      (record.op === 'set' || this.#wrong === 'dropped' || this.#wrong === 'lost')
    );
  }

  #spoiled(record: Record): Record {
    if (this.#wrong === 'dropped') {
      return { ...record, op: 'del', key: NO_KEY, keyHash: xxh3.xxh64(NO_KEY), value: Buffer.alloc(0) };
    }
    for (let n = 0; ; n += 1) {
      const key = Buffer.from(`elsewhere:${n}`);
      if (this.#store.route(key).shard !== record.shard) return { ...record, key, keyHash: xxh3.xxh64(key) };
    }
  }

  /** Applies a record of the past once more, if that changes anything; the watermarks stay. */
  #repeat(): void {
    const store = this.#store;
    const wanted = this.#past.filter((record) => changes(store, record));
    if (wanted.length === 0) return;
    const chosen = this.#random.pick(wanted);
    const watermarks = store.watermarks();
    const sequence = watermarks[chosen.shard]! + 1n;
    ObservedEngine.prototype.apply.call(store, encodeBatch([{ ...chosen, sequence }]));
    store.setWatermarks(watermarks);
    this.#done();
  }

  #done(): void {
    this.isDone = true;
    this.end();
  }
}

/** Whether no other record of the batch is of its key. */
function isAlone(records: readonly Record[], { key }: Record): boolean {
  return records.filter((other) => other.key.equals(key)).length === 1;
}

/** Whether a store has something else once it has applied a record. */
function changes(store: ObservedEngine, { op, key, value, expireAtMs }: Record): boolean {
  const held = store.peek(key);
  const expiry = expireAtMs ?? NO_EXPIRY;
  if (op === 'del') return held !== undefined;
  if (op === 'expire') return held !== undefined && held.expireAtMs !== expiry;
  return held === undefined || held.expireAtMs !== expiry || !held.value.equals(value);
}
