/**
 * Reads an RDB file as its bytes come, in bounded memory. The kernel reads the strings, a chunk at a time,
 * and makes entries of a SnapshotChunk of them; all else is walked over here and counted.
 */
import type { Kernel } from '../../engine/kernel.js';
import { KernelBuffer } from '../../engine/kernel-buffer.js';
import { type ErrorCode, FastcacheError } from '../../errors.js';
import * as layout from '../../kernel/layout.js';
import { typeName } from '../../rdb/dump-payload.js';
import { ShapeWalk } from '../../rdb/shape-walk.js';
import { lengthAt, lengthBytes } from '../../rdb/string-object.js';
import {
  codeShapes,
  EOF_CODE,
  FUNCTION_CODE,
  SELECT_CODE,
  type Shape,
  valueShapes,
} from '../../rdb/value-shapes.js';

/** How an RDB file begins: behind it stand four digits, its version. */
export const RDB_MAGIC = 'REDIS';
const HEADER_BYTES = 9;
const CHECKSUM_BYTES = 8;
/** The versions that are read: those of Redis 5 to 8.2. */
const VERSION_MIN = 9;
const VERSION_MAX = 12;

const WINDOW_BYTES = 2 * 1024 * 1024;
const OUTPUT_BYTES = 1024 * 1024;

/** The next step when a file is damaged. */
const ANEW = 'copy it again, or have Redis write it anew (BGSAVE, or redis-cli --rdb FILE)';

/** The counts of a file: strings that are read, and the rest. */
export interface RdbCounts {
  /** Strings that are read, and those left out because they have expired. */
  strings: number;
  expired: number;
  /** Keys of other types in the database that is read, by what Redis calls the type. */
  types: Map<string, number>;
  /** Keys in other databases, by the number of the database. */
  databases: Map<number, number>;
  /** Libraries of functions. */
  functions: number;
  /** Where the first key of another type, and the first one in another database, stands. */
  firstType: number | undefined;
  firstDatabase: number | undefined;
}

/** How a file is read. */
export interface RdbReaderOptions {
  /** The kernel that reads; nothing of its store is touched. */
  kernel: Kernel;
  /** The database whose strings are read. */
  database: number;
  /** The longest string that is taken. */
  maxStringBytes: number;
  /** Keys that expire at this time, Unix ms, or before are left out; 0: none. */
  expiredMs: number;
  /** Takes `count` entries in `bytes` bytes of the kernel's memory, which are valid during the call. */
  onEntries(address: number, bytes: number, count: number): void;
}

/** The part of the file that comes next. */
type Stage = 'header' | 'body' | 'footer' | 'done';

/** A reading; the caller that makes it closes it. */
export class RdbReader {
  readonly counts: RdbCounts = {
    strings: 0,
    expired: 0,
    types: new Map(),
    databases: new Map(),
    functions: 0,
    firstType: undefined,
    firstDatabase: undefined,
  };
  readonly #options: RdbReaderOptions;
  readonly #window: KernelBuffer;
  readonly #output: KernelBuffer;
  /** The bytes in the window that are not read yet. */
  #start = 0;
  #end = 0;
  /** Where `#start` is in the file. */
  #offset = 0;
  #checksum = 0n;
  #stage: Stage = 'header';
  #database = 0;
  #walk: ShapeWalk | undefined;

  constructor(options: RdbReaderOptions) {
    this.#options = options;
    this.#window = new KernelBuffer(options.kernel, WINDOW_BYTES);
    this.#output = new KernelBuffer(options.kernel, OUTPUT_BYTES);
  }

  /** Whether the file has ended. */
  get isDone(): boolean {
    return this.#stage === 'done';
  }

  /** How many bytes of the file have been read. */
  get offset(): number {
    return this.#offset;
  }

  /**
   * Reads on; returns how many bytes at the end of `chunk` stand behind the file. Throws, with the byte in
   * the file, `RDB_MALFORMED`, `RDB_VERSION`, `RDB_CHECKSUM_DIFFERS`, `VALUE_OVER_LIMIT`, `OUT_OF_MEMORY`.
   */
  push(chunk: Uint8Array): number {
    this.#append(chunk);
    while (this.#read()) {
      // Each turn reads one thing, or as many strings as the window has.
    }
    return this.isDone ? this.#end - this.#start : 0;
  }

  /** Throws `RDB_TRUNCATED` when the file ends before its end. */
  end(): void {
    if (this.isDone) return;
    const offset = this.#offset + this.#end - this.#start;
    throw new FastcacheError('RDB_TRUNCATED', `The file ends before its end is reached; ${ANEW}.`, {
      offset,
    });
  }

  /** Frees the memory of the reading. */
  close(): void {
    this.#window.free();
    this.#output.free();
  }

  /** Puts a chunk behind what is in the window, which grows as long as one string needs more. */
  #append(chunk: Uint8Array): void {
    const { kernel } = this.#options;
    const held = this.#end - this.#start;
    if (this.#end + chunk.length > this.#window.capacity) {
      if (held + chunk.length > this.#window.capacity) {
        const kept = Buffer.from(this.#unread());
        this.#window.reserve(Math.max(held + chunk.length, Math.min(2 * held, held + 64 * WINDOW_BYTES)));
        kernel.bytes.set(kept, this.#window.address);
      } else {
        const from = this.#window.address + this.#start;
        kernel.bytes.copyWithin(this.#window.address, from, from + held);
      }
      this.#start = 0;
      this.#end = held;
    }
    kernel.bytes.set(chunk, this.#window.address + this.#end);
    this.#end += chunk.length;
  }

  #unread(): Buffer {
    const { address } = this.#window;
    return this.#options.kernel.bytes.subarray(address + this.#start, address + this.#end);
  }

  /** Reads the next thing; returns false when it is not whole, or nothing is to come. */
  #read(): boolean {
    if (this.#stage === 'body') return this.#walk === undefined ? this.#readNext() : this.#walkOn(this.#walk);
    if (this.#stage === 'header') return this.#readHeader();
    return this.#stage === 'footer' && this.#readFooter();
  }

  #readHeader(): boolean {
    const bytes = this.#unread();
    if (bytes.length < HEADER_BYTES) return false;
    const text = bytes.toString('latin1', 0, HEADER_BYTES);
    if (!/^REDIS\d{4}$/.test(text)) throw this.#fault('RDB_MALFORMED', 'This is no RDB file', 0);
    const version = Number(text.slice(RDB_MAGIC.length));
    if (version < VERSION_MIN || version > VERSION_MAX) {
      const message = `The file has version ${version} of the format; versions ${VERSION_MIN} to ${VERSION_MAX} are read, those of Redis 5 to 8.2. Have a Redis of these write it.`;
      throw new FastcacheError('RDB_VERSION', message, { offset: RDB_MAGIC.length, found: version });
    }
    this.#consume(HEADER_BYTES);
    this.#stage = 'body';
    return true;
  }

  /** Reads strings, or else what comes between them. */
  #readNext(): boolean {
    if (this.#database === this.#options.database && !this.#readStrings()) return false;
    const bytes = this.#unread();
    const code = bytes[0];
    if (code === undefined) return false;
    if (code === EOF_CODE) {
      this.#consume(1);
      this.#stage = 'footer';
      return true;
    }
    if (code === SELECT_CODE) return this.#select(bytes);
    const shape = codeShapes.get(code) ?? this.#valueShape(code);
    if (code === FUNCTION_CODE) this.counts.functions += 1;
    this.#consume(1);
    this.#walk = new ShapeWalk(shape);
    return true;
  }

  /** Reads strings as far as there are any; returns whether something else comes now. */
  #readStrings(): boolean {
    const { kernel, maxStringBytes, expiredMs, onEntries } = this.#options;
    for (;;) {
      const output = this.#output.reserve(OUTPUT_BYTES);
      const status = kernel.exports.readRdb(
        this.#window.address + this.#start,
        this.#end - this.#start,
        output,
        this.#output.capacity,
        maxStringBytes,
        BigInt(expiredMs),
      );
      const { result } = kernel;
      const count = result[layout.RESULT_COUNT]!;
      const bytes = result[layout.RESULT_OUTPUT]!;
      const consumed = result[layout.RESULT_CONSUMED]!;
      const needed = result[layout.RESULT_NEED]!;
      const faultAt = result[layout.RESULT_FAULT_OFFSET]! - consumed;
      const found = kernel.resultU64(layout.RESULT_FOUND_U64);
      this.counts.strings += count;
      this.counts.expired += result[layout.RESULT_SKIPPED]!;
      if (count > 0) onEntries(output, bytes, count);
      if (consumed > 0) this.#consume(consumed);
      if (status === layout.RDB_MALFORMED)
        throw this.#fault('RDB_MALFORMED', 'A string is malformed', faultAt);
      if (status === layout.RDB_LONG) throw tooLong(found, maxStringBytes).at(this.#offset + faultAt);
      if (status !== layout.RDB_FULL) {
        // A buffer that one large string needed is not kept for the others.
        this.#output.trim();
        return status === layout.RDB_OTHER;
      }
      if (count === 0) this.#output.reserve(needed);
    }
  }

  #select(bytes: Buffer): boolean {
    const head = bytes[1];
    const size = head === undefined ? 0 : lengthBytes(head);
    if (size === undefined) throw this.#fault('RDB_MALFORMED', 'The number of a database is malformed', 1);
    if (size === 0 || bytes.length < 1 + size) return false;
    this.#database = lengthAt(bytes, 1);
    this.#consume(1 + size);
    return true;
  }

  /** Counts a key that is not read, and returns what it consists of, the key included. */
  #valueShape(type: number): Shape {
    const name = typeName(type);
    const shape = valueShapes.get(type);
    if (name === undefined || shape === undefined) {
      throw this.#fault('RDB_MALFORMED', `Neither a key nor anything else is of the type ${type}`, 0);
    }
    const { counts } = this;
    if (this.#database === this.#options.database) {
      counts.types.set(name, (counts.types.get(name) ?? 0) + 1);
      counts.firstType ??= this.#offset;
    } else {
      counts.databases.set(this.#database, (counts.databases.get(this.#database) ?? 0) + 1);
      counts.firstDatabase ??= this.#offset;
    }
    return ['string', ...shape];
  }

  #walkOn(walk: ShapeWalk): boolean {
    const walked = walk.walk(this.#unread());
    if (walked === undefined) throw this.#fault('RDB_MALFORMED', 'A value is malformed', walk.faultAt);
    if (walked > 0) this.#consume(walked);
    if (!walk.isDone) return false;
    this.#walk = undefined;
    return true;
  }

  #readFooter(): boolean {
    const bytes = this.#unread();
    if (bytes.length < CHECKSUM_BYTES) return false;
    const expected = bytes.readBigUInt64LE();
    const found = BigInt.asUintN(64, this.#checksum);
    // Redis writes 0 where its rdbchecksum is off.
    if (expected !== 0n && expected !== found) {
      const message = `The checksum of the file is another one, so that bytes of it have changed; ${ANEW}.`;
      throw new FastcacheError('RDB_CHECKSUM_DIFFERS', message, { offset: this.#offset, expected, found });
    }
    this.#consume(CHECKSUM_BYTES);
    this.#stage = 'done';
    return false;
  }

  #consume(bytes: number): void {
    const { exports } = this.#options.kernel;
    this.#checksum = exports.crc64(this.#checksum, this.#window.address + this.#start, bytes);
    this.#start += bytes;
    this.#offset += bytes;
  }

  /** The fault at `at` behind what has been read. */
  #fault(code: ErrorCode, what: string, at: number): FastcacheError {
    return new FastcacheError(code, `${what}; ${ANEW}.`, { offset: this.#offset + at });
  }
}

function tooLong(found: bigint, most: number): FastcacheError {
  const message = `A string of ${found} bytes is longer than \`maxValueBytes\`, ${most}; raise that, or delete the key in Redis.`;
  return new FastcacheError('VALUE_OVER_LIMIT', message, { expected: most, found });
}
