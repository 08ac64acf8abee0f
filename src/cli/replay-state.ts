/**
 * How far a replay has come, in a small file (cli.md, `--state`; replication/sealed-state.ts): what the server has answered
 * and no more.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { FastcacheError } from '../errors.js';
import type { SavedLapsing } from '../replay/lapsing-keys.js';
import type { SavedSequences } from '../replay/seen-sequences.js';
import { isFields, openState, sealState } from '../replication/sealed-state.js';
import { readStateFile, replaceStateFile } from '../transport/state-file.js';
import type { ReplayCounts } from './replay-counts.js';

const FORMAT = 'fastcache-replay/2';
const ANY_FORMAT = /^fastcache-replay\/\d+$/;
/** More than the keys that it notes may take (`LAPSING_BOUNDS`; as UTF-8, twice their bytes). */
const MAX_BYTES = 33_554_432;
/** A dump is known by its first bytes: it may have grown since, or moved. */
const HEAD_BYTES = 65_536;

/** Where a replay goes on. */
export interface ReplayPoint {
  /** Of the dumps, in the order of the command line. */
  fileIndex: number;
  /** Of a frame's first byte. */
  offset: number;
  /** Records or entries of that frame that are done. */
  items: number;
  sequences: SavedSequences;
  lapsing: SavedLapsing;
  counts: ReplayCounts;
}

export interface ReplayStateOptions {
  path: string;
  /** What is replayed, to where, and what of it: a state is good for nothing else. */
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
  /** Of the dump at `fileIndex`. */
  head: Head;
}

export class ReplayState {
  readonly #options: ReplayStateOptions;

  constructor(options: ReplayStateOptions) {
    this.#options = options;
  }

  /** Undefined: nothing has been replayed. Throws `BAD_OPTION` for a state of anything else, `READ_FAILED`, `WRITE_FAILED`. */
  read(): ReplayPoint | undefined {
    const { path, files, to, choice } = this.#options;
    const stored = readStored(path);
    if (stored === undefined) return undefined;
    if (stored.to !== to) throw differs(path, `a replay to ${stored.to}`);
    if (stored.choice !== choice) throw differs(path, 'a replay with other ranges or filters');
    const file = files[stored.fileIndex];
    if (file === undefined) throw differs(path, `a replay of more dumps`);
    const { bytes, sha256 } = stored.head;
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (size < stored.offset || headOf(file, bytes).sha256 !== sha256) {
      throw differs(path, `a replay of another dump than ${file}`);
    }
    return stored;
  }

  /** Throws `WRITE_FAILED`. */
  write(point: ReplayPoint): void {
    const { path, files, to, choice } = this.#options;
    const stored: Stored = { format: FORMAT, to, choice, head: headOf(files[point.fileIndex]!), ...point };
    replaceStateFile(path, sealState(stored));
  }
}

function headOf(file: string, bytes = HEAD_BYTES): Head {
  const head = Buffer.alloc(Math.min(bytes, HEAD_BYTES));
  const fd = openSync(file, 'r');
  try {
    const read = readSync(fd, head, 0, head.length, 0);
    return { bytes: read, sha256: createHash('sha256').update(head.subarray(0, read)).digest('hex') };
  } finally {
    closeSync(fd);
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
  const { format, fileIndex, offset, items, sequences, lapsing, counts, head } = value as Partial<Stored>;
  return (
    format === FORMAT &&
    [fileIndex, offset, items, head?.bytes].every((number) => Number.isSafeInteger(number) && number! >= 0) &&
    Array.isArray(sequences?.shards) &&
    Array.isArray(lapsing?.noted) &&
    typeof counts === 'object'
  );
}

function differs(path: string, what: string): FastcacheError {
  return new FastcacheError(
    'BAD_OPTION',
    `This is the state of ${what}; give another --state, or remove it to begin anew.`,
    { file: path },
  );
}
