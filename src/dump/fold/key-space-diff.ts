/**
 * Compares two key spaces by looking up each key of the one in the other, so that it takes no more memory
 * than the two stores.
 */
import type { ShardEngine } from '../../engine/shard-engine.js';
import { NO_EXPIRY } from '../../frame/batch.js';
import { entriesOf, storeSteps } from './store-entries.js';

/** The value and expiry of a key. */
export interface KeyContent {
  value: Buffer;
  /** Unix ms; null when the key does not expire. */
  expireAtMs: bigint | null;
  /** Always undefined: stores do not keep the Rust crate's governance bytes. */
  governance: undefined;
}

/** `before` is the key's content in the first key space, `after` that in the second. */
export type Difference =
  | { type: 'added'; key: Buffer; after: KeyContent }
  | { type: 'removed'; key: Buffer; before: KeyContent }
  | { type: 'changed'; key: Buffer; before: KeyContent; after: KeyContent };

/** How many keys there are of each kind of difference. */
export interface DifferenceCounts {
  added: number;
  removed: number;
  /** Keys whose value or expiry differs. */
  changed: number;
  equal: number;
}

/**
 * Yields differences some at a time, possibly none, so that the event loop can run between: removed and
 * changed keys, then added ones, both in no particular order. Counts in `counts`. Neither store may hold a
 * key that has expired by its clock.
 */
export function* differences(
  before: ShardEngine,
  after: ShardEngine,
  counts: DifferenceCounts,
): Generator<Difference[]> {
  for (const step of storeSteps(before)) {
    const found: Difference[] = [];
    for (const { key, value, expireAtMs } of entriesOf(step)) {
      const own = { value, expireAtMs, governance: undefined };
      const difference = compare(key, own, after);
      counts[difference?.type ?? 'equal'] += 1;
      if (difference !== undefined) found.push(difference);
    }
    yield found;
  }
  for (const step of storeSteps(after)) {
    const found: Difference[] = [];
    for (const { key, value, expireAtMs } of entriesOf(step)) {
      if (before.values.length(key) !== undefined) continue;
      counts.added += 1;
      found.push({ type: 'added', key, after: { value, expireAtMs, governance: undefined } });
    }
    yield found;
  }
}

function compare(key: Buffer, before: KeyContent, others: ShardEngine): Difference | undefined {
  // The result is a view, valid until the next call.
  const found = others.values.find(key);
  if (found === undefined) return { type: 'removed', key, before };
  const isSame = found.equals(before.value);
  const value = isSame ? before.value : Buffer.from(found);
  const expiry = others.expiryOf(key) ?? NO_EXPIRY;
  const expireAtMs = expiry === NO_EXPIRY ? null : expiry;
  if (isSame && expireAtMs === before.expireAtMs) return undefined;
  return { type: 'changed', key, before, after: { value, expireAtMs, governance: undefined } };
}
