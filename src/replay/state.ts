/**
 * Keeps how far a replay has come in a small file (`--state`; files/sealed-state.ts): what the server has
 * answered and no more.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { inDump } from '../dump/read/dump-reader.js';
import { FastcacheError } from '../errors.js';
import { isFields, openState, sealState } from '../files/sealed-state.js';
import { readStateFile, replaceStateFile } from '../files/state-file.js';
import type { ReplayCounts } from './counts.js';
import type { SavedLapsing } from './lapsing-keys.js';
import type { SavedSequences } from './seen-sequences.js';

const FORMAT = 'fastcache-replay/2';
const ANY_FORMAT = /^fastcache-replay\/\d+$/;
/** A bound above the bytes that the noted keys may take (`LAPSING_BOUNDS`; as UTF-8, twice their bytes). */
const MAX_BYTES = 33_554_432;
/** The bytes that a dump is recognized by, its first ones: it may have grown since, or moved. */
const HEAD_BYTES = 65_536;

/** The point from which a replay continues. */
export interface ReplayPoint {
  /** The dump's index in the order of the command line. */
  fileIndex: number;
  /** The byte offset of a frame in that dump. */
  offset: number;
  /** How many records or entries of that frame are done. */
  items: number;
  sequences: SavedSequences;
  lapsing: SavedLapsing;
  counts: ReplayCounts;
}

/** The replay that a state is kept of. */
export interface ReplayStateOptions {
  path: string;
  /** The dumps; a state is valid for the same `files`, `to` and `choice` only. */
  files: readonly string[];
  to: string;
  choice: string;
}

interface Head {
  bytes: number;
  sha256: string;
}

interface Stored extends ReplayPoint {
  format: string;
  to: string;
  choice: string;
  /** The sizes and digests of the heads of the dumps, up to the one at `fileIndex`. */
  heads: Head[];
}

/** The state file of a replay. */
export class ReplayState {
  readonly #options: ReplayStateOptions;
  /** The heads of the dumps that are done, and of the one under way as of the last write. */
  #heads: Head[] = [];

  constructor(options: ReplayStateOptions) {
    this.#options = options;
  }

  /**
   * Returns the point to continue from; undefined when nothing has been replayed. Throws `BAD_OPTION` for a
   * state of anything else, `READ_FAILED`, `WRITE_FAILED`.
   */
  read(): ReplayPoint | undefined {
    const { path, files, to, choice } = this.#options;
    const stored = readStored(path);
    if (stored === undefined) return undefined;
    if (stored.to !== to) throw differs(path, `a replay to ${stored.to}`);
    if (stored.choice !== choice) throw differs(path, 'a replay with other ranges or filters');
    if (stored.fileIndex >= files.length) throw differs(path, 'a replay of more dumps');
    stored.heads.forEach(({ bytes, sha256 }, index) => {
      const file = files[index]!;
      const leastBytes = index === stored.fileIndex ? stored.offset : bytes;
      const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
      if (size < leastBytes || headOf(file, bytes).sha256 !== sha256) {
        throw differs(path, `a replay of another dump than ${file}`);
      }
    });
    this.#heads = stored.heads;
    return stored;
  }

  /**
   * Writes the state. Throws `WRITE_FAILED`, and where a dump cannot be read any more `NO_INPUT`,
   * `READ_FAILED`.
   */
  async write(point: ReplayPoint): Promise<void> {
    const { path, files, to, choice } = this.#options;
    // The dump under way may have grown.
    this.#heads.length = Math.min(this.#heads.length, point.fileIndex);
    for (const file of files.slice(this.#heads.length, point.fileIndex + 1)) this.#heads.push(headOf(file));
    const stored: Stored = { format: FORMAT, to, choice, heads: this.#heads, ...point };
    await replaceStateFile(path, sealState(stored));
  }
}

function headOf(file: string, bytes = HEAD_BYTES): Head {
  const head = Buffer.alloc(Math.min(bytes, HEAD_BYTES));
  try {
    const fd = openSync(file, 'r');
    try {
      const read = readSync(fd, head, 0, head.length, 0);
      return { bytes: read, sha256: createHash('sha256').update(head.subarray(0, read)).digest('hex') };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw inDump(error, file, 0);
  }
}

function readStored(path: string): Stored | undefined {
  const bytes = readStateFile(path, MAX_BYTES);
  if (bytes === undefined) return undefined;
  const stored = openState(bytes, MAX_BYTES);
  if (isStored(stored)) return stored;
  const format = stored?.format;
  if (typeof format === 'string' && format !== FORMAT && ANY_FORMAT.test(format)) {
    throw differs(path, 'a replay by another release');
  }
  throw differs(path, 'something else, or damaged');
}

function isStored(value: unknown): value is Stored {
  if (!isFields(value)) return false;
  const { format, fileIndex, offset, items, sequences, lapsing, counts, heads } = value as Partial<Stored>;
  return (
    format === FORMAT &&
    [fileIndex, offset, items].every(isCount) &&
    Array.isArray(heads) &&
    heads.length === fileIndex! + 1 &&
    heads.every((head) => isFields(head) && isCount(head.bytes)) &&
    Array.isArray(sequences?.shards) &&
    Array.isArray(lapsing?.noted) &&
    typeof counts === 'object'
  );
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function differs(path: string, what: string): FastcacheError {
  return new FastcacheError(
    'BAD_OPTION',
    `This is the state of ${what}; give another \`stateFile\`, or remove it to start over.`,
    { file: path },
  );
}
