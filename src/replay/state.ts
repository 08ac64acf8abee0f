/**
 * Keeps how far a replay has come in a small file (`--state`; files/sealed-state.ts). Only records that the
 * server has answered count.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { inDump } from '../dump/read/dump-reader.js';
import { FastcacheError } from '../errors.js';
import { digestOfEdges, type KnownDump } from '../files/dump-digest.js';
import { isFields, openState, sealState } from '../files/sealed-state.js';
import { readStateFile, replaceStateFile } from '../files/state-file.js';
import type { ReplayCounts } from './counts.js';
import type { SavedLapsing } from './lapsing-keys.js';
import type { SavedSequences } from './seen-sequences.js';

const FORMAT = 'fastcache-replay/3';
const ANY_FORMAT = /^fastcache-replay\/\d+$/;
/** A bound above the bytes that the noted keys may take (`LAPSING_BOUNDS`; as UTF-8, twice their bytes). */
const MAX_BYTES = 33_554_432;
/** Bytes behind the point in a dump that it is recognized by too, if they are there: those under way. */
const BYTES_AHEAD = 65_536;

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

interface Stored extends ReplayPoint {
  format: string;
  to: string;
  choice: string;
  /**
   * The marks by which each dump is recognized, up to the one at `fileIndex`: it may have grown since, or
   * moved.
   */
  dumps: KnownDump[];
}

/** The state file of a replay. */
export class ReplayState {
  readonly #options: ReplayStateOptions;
  /** The marks of the dumps up to the one that was under way at the last write. */
  #dumps: KnownDump[] = [];

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
    stored.dumps.forEach(({ bytes, sha256 }, index) => {
      const file = files[index]!;
      const present = dumpOf(file, bytes);
      if (present.bytes !== bytes || present.sha256 !== sha256) {
        throw differs(path, `a replay of another dump than ${file}`);
      }
    });
    this.#dumps = stored.dumps;
    return stored;
  }

  /**
   * Writes the state. Throws `WRITE_FAILED`, and where a dump cannot be read any more `NO_INPUT`,
   * `READ_FAILED`.
   */
  async write(point: ReplayPoint): Promise<void> {
    const { path, files, to, choice } = this.#options;
    const { fileIndex, offset } = point;
    // More is known now of the dump that was under way.
    this.#dumps.pop();
    for (let index = this.#dumps.length; index <= fileIndex; index += 1) {
      this.#dumps.push(dumpOf(files[index]!, index < fileIndex ? undefined : offset + BYTES_AHEAD));
    }
    const stored: Stored = { format: FORMAT, to, choice, dumps: this.#dumps, ...point };
    await replaceStateFile(path, sealState(stored));
  }
}

/**
 * Returns what a dump is recognized by: its first `bytes`, or all of it where it has fewer. Throws
 * `NO_INPUT`, `READ_FAILED`.
 */
function dumpOf(file: string, bytes = Number.POSITIVE_INFINITY): KnownDump {
  try {
    const fd = openSync(file, 'r');
    try {
      const known = Math.min(bytes, fstatSync(fd).size);
      const readAt = (target: Buffer, position: number) => readSync(fd, target, 0, target.length, position);
      const sha256 = digestOfEdges(readAt, known);
      if (sha256 === undefined)
        throw new FastcacheError('READ_FAILED', 'The dump was cut while it was read.');
      return { bytes: known, sha256 };
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
  const { format, fileIndex, offset, items, sequences, lapsing, counts, dumps } = value as Partial<Stored>;
  return (
    format === FORMAT &&
    [fileIndex, offset, items].every(isCount) &&
    Array.isArray(dumps) &&
    dumps.length === fileIndex! + 1 &&
    dumps.every((dump) => isFields(dump) && isCount(dump.bytes)) &&
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
