/**
 * Loads the content that a server starts with: a dump of frames or an RDB file, which their first bytes show.
 */
import type { ShardEngine } from '../../engine/shard-engine.js';
import { blocksOf } from '../../files/file-blocks.js';
import type { History } from '../../replication/history.js';
import { loadDumps } from '../fold/load.js';
import { dumpName, inDump, type NamedDump, openDump } from '../read/dump-reader.js';
import { leftOut, loadRdb, type RdbChoice } from './load-rdb.js';
import { RDB_MAGIC } from './rdb-reader.js';

/** The file that is loaded, and the options of loading it. */
export interface ContentOptions {
  /** The path of the file; `-` is stdin. */
  file: string;
  /** How many shards a store has that is made of an RDB file, which has none. */
  shards: number;
  /** Makes an empty store of so many shards, for a follower. */
  createStore(shards: number): ShardEngine;
  rdb: RdbChoice;
  /** Bytes of the file; 0 where they are not known. */
  totalBytes: number;
  /** Opens the file; absent: in the file system. */
  open?: ((file: string) => AsyncIterable<Uint8Array>) | undefined;
  /** Called after each chunk with the bytes that have been read so far. */
  onRead?: ((bytes: number) => void) | undefined;
}

/** The content that was loaded. */
export interface LoadedContent {
  store: ShardEngine;
  /** The history that a dump led to; undefined where it names none, and of an RDB file. */
  history: History | undefined;
  /** The list of what was left out of an RDB file, in words; undefined: nothing was. */
  leftOut: string | undefined;
}

/** Loads. Throws, with file and byte offset, what `loadDumps` and `loadRdb` throw. */
export async function loadContent(options: ContentOptions): Promise<LoadedContent> {
  const { file, shards, createStore, rdb, totalBytes, open = openFile, onRead } = options;
  const bytes = open(file)[Symbol.asyncIterator]();
  let read = 0;
  try {
    const begun = await firstBytes(bytes);
    const dump = new OpenDump(dumpName(file), begun, bytes);
    if (begun.toString('latin1', 0, RDB_MAGIC.length) === RDB_MAGIC) {
      const store = createStore(shards);
      const counts = await loadRdb({
        ...rdb,
        bytes: dump,
        store,
        totalBytes,
        onRead(count) {
          read = count;
          onRead?.(count);
        },
      });
      return { store, history: undefined, leftOut: leftOut(counts) };
    }
    const { store, history } = await loadDumps({
      files: [dump],
      createStore,
      totalBytes,
      onRead: (_dump, count) => onRead?.(count),
    });
    return { store, history, leftOut: undefined };
  } catch (error) {
    throw inDump(error, file, read);
  }
}

function openFile(file: string): AsyncIterable<Buffer> {
  return file === '-' ? openDump(file) : blocksOf(file);
}

/** Reads as many bytes as show which kind a file is, or all where there are fewer. */
async function firstBytes(bytes: AsyncIterator<Uint8Array>): Promise<Buffer> {
  let first = Buffer.alloc(0);
  while (first.length < RDB_MAGIC.length) {
    const next = await bytes.next();
    if (next.done === true) break;
    first = first.length === 0 ? Buffer.from(next.value) : Buffer.concat([first, next.value]);
  }
  return first;
}

/** A dump that is open, and whose first bytes have been read. */
class OpenDump implements NamedDump {
  readonly dumpName: string;
  readonly #begun: Buffer;
  readonly #rest: AsyncIterator<Uint8Array>;

  constructor(name: string, begun: Buffer, rest: AsyncIterator<Uint8Array>) {
    this.dumpName = name;
    this.#begun = begun;
    this.#rest = rest;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    try {
      if (this.#begun.length > 0) yield this.#begun;
      for (let next = await this.#rest.next(); next.done !== true; next = await this.#rest.next()) {
        yield next.value;
      }
    } finally {
      await this.#rest.return?.();
    }
  }
}
