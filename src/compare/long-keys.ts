/**
 * Keys of more than 32 KiB in a comparison (docs/protocol.md, "Compare"): they do not travel, and are known
 * by their hash and their length. A store is gone through for them, in steps between which it is written to.
 * Different keys of one hash and one length count as one.
 */
import type { EntryPrint } from '../engine/digests.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import { ANY_SHARD, COMPARED_KEY_BYTES_MAX, type KeyPlace, type LongKey } from '../frame/compare.js';

/** What a store has of long keys. */
export interface FoundLongKeys {
  /** Returns what there is of a key in that shard, or in any, and where. */
  of(key: LongKey, shard: number): { shard: number; entry: EntryPrint | undefined };
  /** Whether no long key was changed meanwhile, so that all this is as of one moment. */
  isSteady: boolean;
  /** What `Digests.longKeyChanges` returned then. */
  changes: number;
}

/** Entries that a step passes, about. */
const STEP_ENTRIES = 8192;
/** How often a store is gone through anew in which long keys change meanwhile. */
const LOOKS_MAX = 3;
/** All key hashes, as parts of a list. */
const EVERY_PART = { shift: 61, wanted: Buffer.of(0xff) };

/** Returns the name of a key in maps, which no other key has. */
export function nameOf(key: Uint8Array | LongKey): string {
  // No text of bytes has a character past 255.
  if (!(key instanceof Uint8Array)) return `\u0100${key.keyHash}:${key.keyBytes}`;
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}

/** Returns one entry for two of different keys that have one name. */
export function oneOf(a: EntryPrint | undefined, b: EntryPrint): EntryPrint {
  if (a === undefined) return b;
  const expiresAtMs = a.expiresAtMs > b.expiresAtMs ? a.expiresAtMs : b.expiresAtMs;
  return { print: BigInt.asUintN(64, a.print + b.print), expiresAtMs };
}

/**
 * Returns the steps of a look for the long keys among these, each of which yields the share that is done.
 * Returns undefined when `isThere` returns false behind a step: the store is no longer the one to look at.
 */
export function* findLongKeys(
  engine: ShardEngine,
  places: readonly KeyPlace[],
  isThere: () => boolean,
): Generator<number, FoundLongKeys | undefined> {
  const { digests } = engine;
  const long = places.filter(({ key }) => !(key instanceof Uint8Array));
  const names = new Set(long.map(({ key }) => nameOf(key)));
  const shards = shardsFor(engine, long);
  for (let look = 1; ; look += 1) {
    const before = digests.longKeyChanges();
    const found = new Map<string, EntryPrint>();
    for (const [index, shard] of shards.entries()) {
      let cursor = 0n;
      do {
        const step = digests.list(shard, EVERY_PART, cursor, STEP_ENTRIES, COMPARED_KEY_BYTES_MAX + 1);
        for (const entry of step.entries) {
          const name = nameOf({ keyHash: entry.keyHash, keyBytes: entry.keyBytes });
          if (!names.has(name)) continue;
          found.set(`${shard} ${name}`, oneOf(found.get(`${shard} ${name}`), entry));
        }
        cursor = step.cursor;
        yield index / shards.length;
        if (!isThere()) return undefined;
      } while (cursor !== 0n);
    }
    const changes = digests.longKeyChanges();
    if (changes !== before && look < LOOKS_MAX) continue;
    const of = (key: LongKey, asked: number) => {
      const shard =
        asked === ANY_SHARD ? (shards.find((at) => found.has(`${at} ${nameOf(key)}`)) ?? 0) : asked;
      return { shard, entry: found.get(`${shard} ${nameOf(key)}`) };
    };
    return { of, isSteady: changes === before, changes };
  }
}

/**
 * Returns the steps in which a primary publishes once more what it has under a long key. Each yields how many
 * records it has published; the caller sees to it that the next one is still allowed. Throws OUT_OF_MEMORY.
 */
export function* publishLongKey(engine: ShardEngine, key: LongKey, asked: number): Generator<number, void> {
  for (const shard of shardsFor(engine, [{ shard: asked, key }])) {
    let cursor = 0n;
    do {
      const step = engine.digests.emitLongAgain(shard, key, cursor, STEP_ENTRIES);
      cursor = step.cursor;
      yield step.emitted;
    } while (cursor !== 0n);
  }
}

function shardsFor(engine: ShardEngine, places: readonly KeyPlace[]): number[] {
  const asked = new Set(places.map(({ shard }) => shard));
  const all = Array.from({ length: engine.shards }, (_, shard) => shard);
  return asked.has(ANY_SHARD) ? all : all.filter((shard) => asked.has(shard));
}
