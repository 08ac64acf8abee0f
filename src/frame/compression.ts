/**
 * zstd for frame payloads, and the only file that knows zstd (docs/protocol.md, "Compression"). It uses the
 * low-level binding, because the convenient one allocates whatever size the data claim. A compressed payload
 * is one zstd data frame and any number of skippable frames beside it; a skippable frame of fastcache's
 * carries a Hello's margin. The binding is native code, and is loaded when the first payload wants it: many a
 * node never compresses nor is sent anything compressed.
 */
import { createRequire } from 'node:module';
import type Binding from 'zstd-napi/binding.js';
import { FastcacheError } from '../errors.js';

const DATA_MAGIC = 0xfd2fb528;
/** The first of sixteen magic numbers that zstd sets aside for others' data. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_HEADER_BYTES = 8;
/** A compression above this gets a buffer of its own, so that the shared one stays small. */
const SCRATCH_MAX_BYTES = 4_194_304;

/** The binding, with a context for each direction that serves all payloads. */
export interface Zstd {
  readonly binding: typeof Binding;
  readonly compressor: Binding.CCtx;
  readonly decompressor: Binding.DCtx;
}

let loadedZstd: Zstd | undefined;
let scratch = Buffer.allocUnsafeSlow(65_536);

/** Loads zstd unless it is loaded. Throws `ZSTD_MISSING`. */
export function zstd(): Zstd {
  loadedZstd ??= loadZstd();
  return loadedZstd;
}

/**
 * Compresses `payload` into one zstd data frame. The result owns its memory and is exactly `roomBefore` bytes
 * (left to the caller, unset), the data frame, and, when `skippable` is given, a skippable frame with it.
 */
export function compress(
  payload: Uint8Array,
  level: number,
  roomBefore: number,
  skippable?: Uint8Array,
): Buffer {
  const { binding, compressor } = zstd();
  const workspace = compressionWorkspace(binding.compressBound(payload.length));
  const dataBytes = compressor.compress(workspace, payload, level);
  const skippableBytes = skippable === undefined ? 0 : SKIPPABLE_HEADER_BYTES + skippable.length;
  const result = Buffer.allocUnsafeSlow(roomBefore + dataBytes + skippableBytes);
  workspace.copy(result, roomBefore, 0, dataBytes);
  if (skippable !== undefined) {
    const start = roomBefore + dataBytes;
    result.writeUInt32LE(SKIPPABLE_MAGIC, start);
    result.writeUInt32LE(skippable.length, start + 4);
    result.set(skippable, start + SKIPPABLE_HEADER_BYTES);
  }
  return result;
}

/**
 * Decompresses a payload into a buffer of exactly `announcedBytes`, which the caller has checked against its
 * limit; `room` gives that buffer when its memory need not be the payload's own. Throws `FCRP_ZSTD_CORRUPT`,
 * `FCRP_ZSTD_NO_FRAME`, `FCRP_ZSTD_SECOND_FRAME` or `FCRP_ZSTD_LENGTH_DIFFERS`; offsets count from the start
 * of `wire`.
 */
export function decompress(wire: Uint8Array, announcedBytes: number, room?: PayloadRoom): Buffer {
  const { binding } = zstd();
  const { start, end } = findDataFrame(wire);
  const data = wire.subarray(start, end);
  const claimedBytes = orCorrupt(start, () => binding.getFrameContentSize(data));
  if (claimedBytes !== null && claimedBytes !== announcedBytes) {
    throw lengthDiffers(start, announcedBytes, claimedBytes);
  }
  const payload = room?.take(announcedBytes) ?? Buffer.allocUnsafeSlow(announcedBytes);
  const producedBytes = orCorrupt(start, () => zstdDecompress(payload, data, start));
  if (producedBytes !== announcedBytes) throw lengthDiffers(start, announcedBytes, producedBytes);
  return payload;
}

/** Memory for one decompressed payload after the other. */
export class PayloadRoom {
  #bytes = Buffer.alloc(0);

  /** Returns so many bytes, undefined ones, which are the caller's until the next are taken. */
  take(bytes: number): Buffer {
    if (bytes > SCRATCH_MAX_BYTES) return Buffer.allocUnsafeSlow(bytes);
    if (bytes > this.#bytes.length) {
      this.#bytes = Buffer.allocUnsafeSlow(Math.min(SCRATCH_MAX_BYTES, bytes * 2));
    }
    return this.#bytes.subarray(0, bytes);
  }
}

/**
 * Returns the content of the first skippable frame of magic 0x184D2A50 behind the data frame, a view of
 * `wire`; undefined when there is none. Throws like `decompress` where the frames' sizes do not fit.
 */
export function skippableContent(wire: Uint8Array): Uint8Array | undefined {
  return findDataFrame(wire).behind;
}

/** The place of a payload's data frame, and the first skippable content of fastcache's behind it. */
interface DataFrame {
  start: number;
  end: number;
  behind: Uint8Array | undefined;
}

/** Walks the zstd frames of a payload, checks that each lies within it, and finds the one data frame. */
function findDataFrame(wire: Uint8Array): DataFrame {
  const view = new DataView(wire.buffer, wire.byteOffset, wire.byteLength);
  const { binding } = zstd();
  let data: DataFrame | undefined;
  let position = 0;
  while (position < wire.length) {
    const left = wire.length - position;
    const magic = left < 4 ? undefined : view.getUint32(position, true);
    if (magic === DATA_MAGIC) {
      if (data !== undefined) throw secondFrame(position);
      const start = position;
      position += orCorrupt(start, () => binding.findFrameCompressedSize(wire.subarray(start)));
      data = { start, end: position, behind: undefined };
    } else if (magic !== undefined && (magic & 0xfffffff0) === SKIPPABLE_MAGIC) {
      const contentStart = position + SKIPPABLE_HEADER_BYTES;
      const contentBytes = left < SKIPPABLE_HEADER_BYTES ? 0 : view.getUint32(position + 4, true);
      if (contentStart + contentBytes > wire.length) throw skippableTooLong(position, contentBytes, left);
      position = contentStart + contentBytes;
      if (data !== undefined && magic === SKIPPABLE_MAGIC)
        data.behind ??= wire.subarray(contentStart, position);
    } else {
      throw notZstd(wire, position);
    }
  }
  if (data === undefined) {
    throw new FastcacheError('FCRP_ZSTD_NO_FRAME', 'The compressed payload holds no zstd data frame.', {
      offset: 0,
      expected: 1,
      found: 0,
    });
  }
  return data;
}

function loadZstd(): Zstd {
  try {
    const binding = createRequire(import.meta.url)('zstd-napi/binding.js') as typeof Binding;
    return { binding, compressor: new binding.CCtx(), decompressor: new binding.DCtx() };
  } catch (cause) {
    throw new FastcacheError(
      'ZSTD_MISSING',
      'Compressed frames need the package zstd-napi, which cannot be loaded here; `npm rebuild zstd-napi` compiles it.',
      { cause },
    );
  }
}

function compressionWorkspace(bytes: number): Buffer {
  if (bytes > SCRATCH_MAX_BYTES) return Buffer.allocUnsafeSlow(bytes);
  if (bytes > scratch.length) scratch = Buffer.allocUnsafeSlow(Math.min(SCRATCH_MAX_BYTES, bytes * 2));
  return scratch;
}

function zstdDecompress(target: Buffer, data: Uint8Array, start: number): number {
  try {
    return zstd().decompressor.decompress(target, data);
  } catch (cause) {
    // The data do not claim a size and hold more than the header announced.
    if (String(cause).includes('too small')) {
      throw lengthDiffers(start, target.length, `more than ${target.length}`, cause);
    }
    throw cause;
  }
}

function orCorrupt<T>(offset: number, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof FastcacheError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FastcacheError(
      'FCRP_ZSTD_CORRUPT',
      `The compressed payload cannot be read as zstd: ${reason}.`,
      {
        offset,
        cause,
      },
    );
  }
}

function lengthDiffers(
  offset: number,
  expected: number,
  found: number | string,
  cause?: unknown,
): FastcacheError {
  return new FastcacheError(
    'FCRP_ZSTD_LENGTH_DIFFERS',
    `The frame announces ${expected} bytes uncompressed, and its zstd data hold ${found}.`,
    { offset, expected, found, cause },
  );
}

function secondFrame(offset: number): FastcacheError {
  return new FastcacheError(
    'FCRP_ZSTD_SECOND_FRAME',
    'The compressed payload holds a second zstd data frame; one is allowed.',
    { offset, expected: 1, found: 2 },
  );
}

function skippableTooLong(offset: number, contentBytes: number, left: number): FastcacheError {
  const expected = SKIPPABLE_HEADER_BYTES + contentBytes;
  return new FastcacheError(
    'FCRP_ZSTD_CORRUPT',
    `A skippable zstd frame needs ${expected} bytes, and ${left} are left of the payload.`,
    { offset, expected, found: left },
  );
}

function notZstd(wire: Uint8Array, offset: number): FastcacheError {
  const found = Buffer.from(wire.subarray(offset, offset + 4)).toString('hex');
  return new FastcacheError(
    'FCRP_ZSTD_CORRUPT',
    `The compressed payload has bytes (hex ${found}) where a zstd frame should begin.`,
    { offset, expected: '28b52ffd', found },
  );
}
