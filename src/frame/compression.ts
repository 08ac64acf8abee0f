/**
 * Compressed payloads (docs/protocol.md, "Compression"): one zstd data frame and any number of skippable
 * frames beside it. A skippable frame of fastcache's carries a Hello's margin.
 */
import { FastcacheError } from '../errors.js';
import {
  copyStored,
  readZstdFrame,
  storedBytes,
  storeInto,
  ZSTD_DATA_MAGIC,
  type ZstdFrame,
} from './zstd-frame.js';
import { zstdLibrary } from './zstd-library.js';

/** The first of sixteen magic numbers that zstd sets aside for others' data. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_HEADER_BYTES = 8;
/** A compression above this gets a buffer of its own, so that the shared one stays small. */
const SCRATCH_MAX_BYTES = 4_194_304;

let scratch = Buffer.allocUnsafeSlow(65_536);

/**
 * Compresses `payload` into one zstd data frame. The result owns its memory and is exactly `roomBefore` bytes
 * (left to the caller, unset) and the frame. Throws `ZSTD_MISSING`.
 */
export function compress(payload: Uint8Array, level: number, roomBefore: number): Buffer {
  const library = zstdLibrary();
  const workspace = compressionWorkspace(library.compressBound(payload.length));
  const bytes = library.compress(workspace, payload, level);
  const result = Buffer.allocUnsafeSlow(roomBefore + bytes);
  workspace.copy(result, roomBefore, 0, bytes);
  return result;
}

/**
 * Writes `payload` as it is into a zstd data frame, for which no library is needed, and `skippable`, when it
 * is given, into a skippable frame behind it. The result is as that of `compress`.
 */
export function store(payload: Uint8Array, roomBefore: number, skippable?: Uint8Array): Buffer {
  const behind = roomBefore + storedBytes(payload.length);
  const skippableBytes = skippable === undefined ? 0 : SKIPPABLE_HEADER_BYTES + skippable.length;
  const result = Buffer.allocUnsafeSlow(behind + skippableBytes);
  storeInto(result, roomBefore, payload);
  if (skippable !== undefined) {
    result.writeUInt32LE(SKIPPABLE_MAGIC, behind);
    result.writeUInt32LE(skippable.length, behind + 4);
    result.set(skippable, behind + SKIPPABLE_HEADER_BYTES);
  }
  return result;
}

/**
 * Decompresses a payload into a buffer of exactly `announcedBytes`, which the caller has checked against its
 * limit; `room` gives that buffer when its memory need not be the payload's own. Throws `FCRP_ZSTD_CORRUPT`,
 * `FCRP_ZSTD_NO_FRAME`, `FCRP_ZSTD_SECOND_FRAME` or `FCRP_ZSTD_LENGTH_DIFFERS`, and `ZSTD_MISSING` where the
 * payload needs a library; offsets count from the start of `wire`.
 */
export function decompress(wire: Uint8Array, announcedBytes: number, room?: PayloadRoom): Buffer {
  const { start, frame } = findDataFrame(wire);
  if (frame.contentBytes !== undefined && frame.contentBytes !== announcedBytes) {
    throw lengthDiffers(start, announcedBytes, frame.contentBytes);
  }
  const payload = room?.take(announcedBytes) ?? Buffer.allocUnsafeSlow(announcedBytes);
  const producedBytes = frame.isStored
    ? copyStored(wire, frame, payload)
    : decompressFrame(wire.subarray(start, frame.end), payload, start);
  if (producedBytes !== announcedBytes) {
    // A frame that claims no size may hold more than the header announced.
    throw lengthDiffers(start, announcedBytes, producedBytes ?? `more than ${announcedBytes}`);
  }
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

/** A payload's data frame, where it begins, and the first skippable content of fastcache's behind it. */
interface DataFrame {
  start: number;
  frame: ZstdFrame;
  behind: Uint8Array | undefined;
}

/** Walks the zstd frames of a payload, checks that each lies within it, and finds the one data frame. */
function findDataFrame(wire: Uint8Array): DataFrame {
  const view = new DataView(wire.buffer, wire.byteOffset, wire.byteLength);
  let data: DataFrame | undefined;
  let position = 0;
  while (position < wire.length) {
    const left = wire.length - position;
    const magic = left < 4 ? undefined : view.getUint32(position, true);
    if (magic === ZSTD_DATA_MAGIC) {
      if (data !== undefined) throw secondFrame(position);
      data = { start: position, frame: readZstdFrame(wire, position), behind: undefined };
      position = data.frame.end;
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

function compressionWorkspace(bytes: number): Buffer {
  if (bytes > SCRATCH_MAX_BYTES) return Buffer.allocUnsafeSlow(bytes);
  if (bytes > scratch.length) scratch = Buffer.allocUnsafeSlow(Math.min(SCRATCH_MAX_BYTES, bytes * 2));
  return scratch;
}

function decompressFrame(frame: Uint8Array, target: Buffer, start: number): number | undefined {
  const library = zstdLibrary();
  try {
    return library.decompress(target, frame);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FastcacheError(
      'FCRP_ZSTD_CORRUPT',
      `The compressed payload cannot be read as zstd: ${reason}.`,
      { offset: start, cause },
    );
  }
}

function lengthDiffers(offset: number, expected: number, found: number | string): FastcacheError {
  return new FastcacheError(
    'FCRP_ZSTD_LENGTH_DIFFERS',
    `The frame announces ${expected} bytes uncompressed, and its zstd data hold ${found}.`,
    { offset, expected, found },
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
