/** The shards that differ, in a Status document. */
import type { StatusValue } from '../frame/status.js';
import { asCount, isMap, readCount, readList } from './status-fields.js';

/** Shards that hold something else than they should, the first ones of many. */
export interface DivergenceEntry {
  shards: number[];
  /** Unix ms. */
  sinceMs: number;
}

/** The most shards that a document names. */
const SHARDS_MAX = 16;

/** Renders a divergence; null: there is none. */
export function divergenceEntry(
  diverges: { readonly shards: readonly number[]; readonly sinceMs: number } | undefined,
): DivergenceEntry | null {
  if (diverges === undefined) return null;
  return { shards: diverges.shards.slice(0, SHARDS_MAX), sinceMs: diverges.sinceMs };
}

/** Reads a divergence; undefined: it is none. */
export function asDivergence(value: StatusValue): DivergenceEntry | undefined {
  if (!isMap(value)) return undefined;
  return { shards: readList(value, 'shards', SHARDS_MAX, asCount), sinceMs: readCount(value, 'sinceMs') };
}

/** Returns the shards in words, for people: `shards 1, 2 since 2026-01-01T00:00:00.000Z`. */
export function divergenceText({ shards, sinceMs }: DivergenceEntry): string {
  const latest = 8_640_000_000_000_000;
  const since = new Date(Math.min(sinceMs, latest)).toISOString();
  return `${shards.length === 1 ? 'shard' : 'shards'} ${shards.join(', ')} since ${since}`;
}
