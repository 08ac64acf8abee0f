/**
 * Notes the keys whose expiry, as a dump has it at first, has passed by now or is about to: a later record
 * may extend it, and must then find the key. They are sent with a grace instead; those that nothing has
 * written since are settled in the end.
 */
import type { DecodedRecord } from '../frame/batch.js';
import type { DecodedSnapshotEntry } from '../frame/snapshot.js';

/** A key so close to its expiry, in ms, could expire on its way, before its extension comes. */
const SOON_MS = 60_000;
/**
 * The grace is the time that a key had to live when it was written, and at least this: a replay may be slow,
 * or stopped meanwhile.
 */
const LEAST_GRACE_MS = 3_600_000;

/** The most keys, and bytes of keys, that are noted. */
export interface LapsingBounds {
  keys: number;
  keyBytes: number;
}

/** The bounds of a replay; a state file has room for them (`MAX_BYTES` in state.ts). */
export const LAPSING_BOUNDS: LapsingBounds = { keys: 100_000, keyBytes: 8_388_608 };

/** The noted keys as a state keeps them. */
export interface SavedLapsing {
  /** The key in Latin-1, and when it expires by the dump, in Unix ms. */
  noted: [key: string, expireAtMs: number][];
  unnoted: number;
}

/** A key that lives by a grace. */
export interface LapsedKey {
  key: Buffer;
  /** When it expires by the dump, Unix ms. */
  expireAtMs: number;
}

/** The keys that were sent with a grace and that nothing has written since. */
export class LapsingKeys {
  readonly #bounds: LapsingBounds;
  readonly #noted = new Map<string, number>();
  #keyBytes = 0;
  #unnoted = 0;

  constructor(bounds = LAPSING_BOUNDS) {
    this.#bounds = bounds;
  }

  /** Keys to settle. */
  get size(): number {
    return this.#noted.size;
  }

  /** Items whose key was given a grace but, past the bounds, not noted: the server ends the grace. */
  get unnoted(): number {
    return this.#unnoted;
  }

  /**
   * Returns the expiry to send with an item, in Unix ms: a grace, if its own has passed or is about to; null
   * when there is none. Ask in the order of the items.
   */
  expiryOf(item: DecodedRecord | DecodedSnapshotEntry, nowMs: number): bigint | null {
    const { key, expireAtMs } = item;
    this.#takeBack(key);
    const isDel = 'op' in item && item.op === 'del';
    if (isDel || expireAtMs === null || expireAtMs > BigInt(nowMs + SOON_MS)) return expireAtMs;
    if (!this.#note(key, Number(expireAtMs))) {
      if (expireAtMs > BigInt(nowMs)) return expireAtMs;
      this.#unnoted += 1;
    }
    const lifeMs = 'timestampMs' in item ? Number(expireAtMs - item.timestampMs) : 0;
    return BigInt(nowMs + Math.max(LEAST_GRACE_MS, lifeMs));
  }

  *all(): Generator<LapsedKey> {
    for (const [key, expireAtMs] of this.#noted) yield { key: Buffer.from(key, 'latin1'), expireAtMs };
  }

  /** Forgets all keys, which have been settled. */
  clear(): void {
    this.#noted.clear();
    this.#keyBytes = 0;
  }

  /** Takes a key off the notes; returns when it expires, Unix ms; undefined: it is not noted. */
  forget(key: Buffer): number | undefined {
    const expireAtMs = this.#noted.get(key.toString('latin1'));
    this.#takeBack(key);
    return expireAtMs;
  }

  save(): SavedLapsing {
    return { noted: [...this.#noted], unnoted: this.#unnoted };
  }

  /** Restores what `save` returned. */
  restore({ noted, unnoted }: SavedLapsing): void {
    this.clear();
    for (const [key, expireAtMs] of noted) {
      this.#noted.set(key, expireAtMs);
      this.#keyBytes += key.length;
    }
    this.#unnoted = unnoted;
  }

  #takeBack(key: Buffer): void {
    if (this.#noted.size > 0 && this.#noted.delete(key.toString('latin1'))) this.#keyBytes -= key.length;
  }

  /** Notes a key that is not noted yet; returns false when there is no room. */
  #note(key: Buffer, expireAtMs: number): boolean {
    const { keys, keyBytes } = this.#bounds;
    if (this.#noted.size >= keys || this.#keyBytes + key.length > keyBytes) return false;
    this.#noted.set(key.toString('latin1'), expireAtMs);
    this.#keyBytes += key.length;
    return true;
  }
}
