/** Loads the strings of an RDB file into a store. */
import { applyFault } from '../../engine/apply-fault.js';
import type { ShardEngine } from '../../engine/shard-engine.js';
import { FastcacheError } from '../../errors.js';
import { APPLY_OK } from '../../kernel/layout.js';
import { ComingContent } from '../fold/coming-content.js';
import { type RdbCounts, RdbReader } from './rdb-reader.js';

/** The part of an RDB file that is loaded. */
export interface RdbChoice {
  /** The database whose keys are loaded. */
  database: number;
  /** Whether keys of other types, and keys in other databases, are left out; else they are a fault. */
  skipsOtherTypes: boolean;
  skipsOtherDatabases: boolean;
  /** The longest string that is taken. */
  maxStringBytes: number;
  /** Keys that expire at this time, Unix ms, or before are left out. */
  nowMs: number;
}

/** The loading of one file. */
export interface RdbLoading extends RdbChoice {
  /** The bytes of the file, in their order. */
  bytes: AsyncIterable<Uint8Array>;
  /** How many they are; 0 where that is not known. */
  totalBytes: number;
  /** An empty store of a follower. */
  store: ShardEngine;
  /** Called after each chunk with the bytes that have been read so far. */
  onRead?: ((bytes: number) => void) | undefined;
}

/**
 * Loads, and returns what the file held. Throws, with the byte in the file, what `RdbReader` throws and
 * `RDB_TRUNCATED`, and `RDB_OTHER_TYPES` and `RDB_OTHER_DATABASES` for keys that are not to be left out.
 */
export async function loadRdb({
  bytes,
  totalBytes,
  store,
  onRead,
  ...choice
}: RdbLoading): Promise<RdbCounts> {
  const coming = new ComingContent(totalBytes);
  let loadedBytes = 0;
  const reader = new RdbReader({
    kernel: store.kernel,
    database: choice.database,
    maxStringBytes: choice.maxStringBytes,
    expiredMs: choice.nowMs,
    onEntries(address, length, count) {
      store.updateTime();
      coming.add(store, count, reader.offset - loadedBytes);
      loadedBytes = reader.offset;
      const status = store.kernel.exports.loadEntries(address, length, count, 0);
      if (status !== APPLY_OK) throw applyFault(store.kernel, status).placedAt(reader.offset);
    },
  });
  let read = 0;
  try {
    for await (const chunk of bytes) {
      const behind = reader.push(chunk);
      read += chunk.length;
      if (reader.isDone && behind > 0) throw trailing(read - behind);
      onRead?.(read);
    }
    reader.end();
  } finally {
    reader.close();
  }
  refuseOthers(reader.counts, choice);
  return reader.counts;
}

/** Lists what was left out of a file, in words: `2 lists, 1 hash`; undefined when nothing was. */
export function leftOut({ types, databases, functions }: RdbCounts): string | undefined {
  const parts = [
    ...typeTexts(types),
    ...Array.from(databases, ([database, keys]) => `${keysText(keys)} in database ${database}`),
    ...(functions > 0 ? [`${functions} ${functions === 1 ? 'library' : 'libraries'} of functions`] : []),
  ];
  return parts.length === 0 ? undefined : parts.join(', ');
}

function refuseOthers(counts: RdbCounts, choice: RdbChoice): void {
  const { types, databases, firstType, firstDatabase } = counts;
  if (firstType !== undefined && !choice.skipsOtherTypes) {
    const message = `Besides ${counts.strings} strings there are ${typeTexts(types).join(', ')}, the first one here. Only strings can be loaded: \`skipOtherTypes\` leaves the others out.`;
    throw new FastcacheError('RDB_OTHER_TYPES', message, { offset: firstType });
  }
  if (firstDatabase !== undefined && !choice.skipsOtherDatabases) {
    const others = Array.from(databases, ([database, keys]) => `${keysText(keys)} in ${database}`).join(', ');
    const message = `Only database ${choice.database} is loaded, and there are ${others}, the first one here. \`loadDatabase\` loads another one, \`skipOtherDatabases\` leaves them out.`;
    throw new FastcacheError('RDB_OTHER_DATABASES', message, { offset: firstDatabase });
  }
}

function typeTexts(types: ReadonlyMap<string, number>): string[] {
  return Array.from(types, ([name, count]) => `${count} ${count === 1 ? name : plural(name)}`);
}

function plural(name: string): string {
  return name.endsWith('sh') ? `${name}es` : `${name}s`;
}

function keysText(keys: number): string {
  return keys === 1 ? '1 key' : `${keys} keys`;
}

function trailing(offset: number): FastcacheError {
  const message =
    'Something follows the end of the file, as in an AOF with an RDB preamble: give the RDB file alone.';
  return new FastcacheError('RDB_MALFORMED', message, { offset });
}
