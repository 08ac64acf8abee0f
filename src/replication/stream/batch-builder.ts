/**
 * Gathers one shard's records and encodes them when they leave (docs/protocol.md, "Batch builder", the first
 * of the two). For tools and library users; the store's own batches are built in the kernel by the same
 * rules.
 */
import type { Clock } from '../../clock.js';
import type { OpenBatch } from '../../engine/types.js';
import { encodeBatch, type MutationRecord, RECORD_FIXED_BYTES } from '../../frame/batch.js';

/** The rules by which a batch is full, or due. */
export interface BatchRules {
  /** Whether every record leaves as a batch of its own. */
  immediate: boolean;
  maxRecords: number;
  /** The most bytes of encoded records in a batch. */
  maxBytes: number;
  /** The age of the first waiting record at which the batch is due. */
  maxDelayUs: number;
}

/** The open batch of one shard. */
export class BatchBuilder {
  readonly #rules: BatchRules;
  readonly #clock: Clock | undefined;
  #records: MutationRecord[] = [];
  #bytes = 0;
  #firstAtUs = 0;

  /** Makes a builder; without a clock it knows no ages, and all that waits is due whenever it is asked. */
  constructor(rules: BatchRules, clock?: Clock) {
    this.#rules = rules;
    this.#clock = clock;
  }

  /** The number of records that wait. */
  get length(): number {
    return this.#records.length;
  }

  /**
   * Adds a record, of the same shard as the others; returns a batch when that fills it. Key and value must
   * not change.
   */
  push(record: MutationRecord): OpenBatch | undefined {
    if (this.#records.length === 0) this.#firstAtUs = this.#clock?.monotonicUs() ?? 0;
    this.#records.push(record);
    this.#bytes += RECORD_FIXED_BYTES + record.key.length + record.value.length;
    const { immediate, maxRecords, maxBytes } = this.#rules;
    const isFull = immediate || this.#records.length >= maxRecords || this.#bytes >= maxBytes;
    return isFull ? this.flush() : undefined;
  }

  /** Returns all that waits, or undefined when nothing does. */
  flush(): OpenBatch | undefined {
    const records = this.#records;
    const [first] = records;
    if (first === undefined) return undefined;
    this.#records = [];
    this.#bytes = 0;
    let minSequence = first.sequence;
    let maxSequence = first.sequence;
    for (const { sequence } of records) {
      if (sequence < minSequence) minSequence = sequence;
      if (sequence > maxSequence) maxSequence = sequence;
    }
    return {
      shard: first.shard,
      payload: encodeBatch(records),
      records: records.length,
      minSequence,
      maxSequence,
    };
  }

  /** Returns what `flush` does, but undefined while the first record is not old enough. */
  flushDue(): OpenBatch | undefined {
    const dueInUs = this.#rules.immediate ? 0 : this.nextTimeoutUs();
    return dueInUs === 0 ? this.flush() : undefined;
  }

  /** Returns the microseconds until `flushDue` returns a batch; undefined when nothing waits. */
  nextTimeoutUs(): number | undefined {
    if (this.#records.length === 0) return undefined;
    if (this.#clock === undefined) return 0;
    return Math.max(0, this.#rules.maxDelayUs - (this.#clock.monotonicUs() - this.#firstAtUs));
  }
}
