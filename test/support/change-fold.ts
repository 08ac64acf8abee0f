/**
 * The content that a consumer makes of changes by their documentation alone: a plain Map, replaced when a
 * snapshot ends.
 */
import type { Change } from '../../src/replication/outputs/changes.js';

interface Value {
  value: string;
  expireAtMs: bigint | null;
}

export class ChangeFold {
  /** Types in order; a run of the same is told once. */
  readonly types: string[] = [];
  /** `shard:sequence` of each record, in order. */
  readonly records: string[] = [];
  #content = new Map<string, Value>();
  #building: Map<string, Value> | undefined;

  take(change: Change): undefined {
    if (this.types.at(-1) !== change.type) this.types.push(change.type);
    const content = this.#building ?? this.#content;
    switch (change.type) {
      case 'snapshot-begin':
        this.#building = new Map();
        return;
      case 'snapshot-end':
        this.#content = content;
        this.#building = undefined;
        return;
      case 'snapshot-abandoned':
        this.#building = undefined;
        return;
      case 'entry':
        content.set(change.key.toString(), {
          value: change.value.toString(),
          expireAtMs: change.expireAtMs,
        });
        return;
      case 'record':
        this.records.push(`${change.shard}:${change.sequence}`);
    }
    const key = change.key.toString();
    const held = content.get(key);
    if (change.op === 'del') content.delete(key);
    else if (change.op === 'set') {
      content.set(key, { value: change.value.toString(), expireAtMs: change.expireAtMs });
    } else if (held !== undefined) held.expireAtMs = change.expireAtMs;
  }

  /** As `TestStore.content`. */
  content(): string[] {
    return [...this.#content].map(([key, { value, expireAtMs }]) => `${key}=${value} @${expireAtMs}`).sort();
  }
}
