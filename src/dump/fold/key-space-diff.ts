/**
 * Two key spaces compared, by looking up each key of the one in the other: no more memory than that of the
 * two stores.
 */
import type { ShardEngine } from '../../engine/shard-engine.js';
import { NO_EXPIRY } from '../../frame/batch.js';
import { entriesOf, storeSteps } from './store-entries.js';

/** What stands under a key. */
export interface KeyContent {
  value: Buffer;
  /** Unix ms; null: none. */
  expireAtMs: bigint | null;
  /** Stores do not keep what the crate calls by this name. */
  governance: undefined;
}

/** `before` is what the first key space has, `after` what the second has. */
export type Difference =
  | { type: 'added'; key: Buffer; after: KeyContent }
  | { type: 'removed'; key: Buffer; before: KeyContent }
  | { type: 'changed'; key: Buffer; before: KeyContent; after: KeyContent };

/** How many keys there are of each kind of difference. */
export interface DifferenceCounts {
  added: number;
  removed: number;
  /** In value or expiry. */
  changed: number;
  equal: number;
}

/**
 * Yields differences some at a time, maybe none, so that others have their turn: removed and changed keys,
 * then added ones, both in no particular order. Counts in `counts`. Neither store may hold what its clock
 * says has expired.
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
  // A view, valid until the next call.
  const found = others.values.find(key);
  if (found === undefined) return { type: 'removed', key, before };
  const isSame = found.equals(before.value);
  const value = isSame ? before.value : Buffer.from(found);
  const expiry = others.expiryOf(key) ?? NO_EXPIRY;
  const expireAtMs = expiry === NO_EXPIRY ? null : expiry;
  if (isSame && expireAtMs === before.expireAtMs) return undefined;
  return { type: 'changed', key, before, after: { value, expireAtMs, governance: undefined } };
}
