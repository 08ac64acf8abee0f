/**
 * Gathers one shard's records and encodes them when they leave (docs/protocol.md, "Batch builder", the first
 * of the two). For tools and library users; the store's own batches are built in the kernel by the same
 * rules.
 */
import type { Clock } from '../../clock.js';
import type { OpenBatch } from '../../engine/types.js';
import { encodeBatch, type MutationRecord, RECORD_FIXED_BYTES } from '../../frame/batch.js';

/** When a batch is full, or due. */
export interface BatchRules {
  /** Every record leaves as a batch of its own. */
  immediate: boolean;
  maxRecords: number;
  /** Encoded bytes of records. */
  maxBytes: number;
  /** Age of the first waiting record. */
  maxDelayUs: number;
}

/** The open batch of one shard. */
export class BatchBuilder {
  readonly #rules: BatchRules;
  readonly #clock: Clock | undefined;
  #records: MutationRecord[] = [];
  #bytes = 0;
  #firstAtUs = 0;

  /** Without a clock the builder knows no ages: all that waits is due whenever it is asked. */
  constructor(rules: BatchRules, clock?: Clock) {
    this.#rules = rules;
    this.#clock = clock;
  }

  /** Records that wait. */
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

  /** All that waits, or undefined when nothing does. */
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

  /** As `flush`, but undefined while the first record is not old enough. */
  flushDue(): OpenBatch | undefined {
    const dueInUs = this.#rules.immediate ? 0 : this.nextTimeoutUs();
    return dueInUs === 0 ? this.flush() : undefined;
  }

  /** Microseconds until `flushDue` yields something; undefined when nothing waits. */
  nextTimeoutUs(): number | undefined {
    if (this.#records.length === 0) return undefined;
    if (this.#clock === undefined) return 0;
    return Math.max(0, this.#rules.maxDelayUs - (this.#clock.monotonicUs() - this.#firstAtUs));
  }
}
