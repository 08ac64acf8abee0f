/**
 * The limits and defaults that more than one folder must agree on (docs/protocol.md, "Limits" and
 * "Defaults"). The ranges and defaults of options stand in their rows (docs/architecture.md, "Options").
 */

// Frames.

/** Size of a frame's header. */
export const FRAME_HEADER_BYTES = 16;
/** Either length of a frame's header may announce this much: 256 MiB. */
export const MAX_FRAME_PAYLOAD_BYTES = 268_435_456;
/** The greatest number that the wire carries in eight bytes (sequences, times, hashes). */
export const LARGEST_U64 = 0xffff_ffff_ffff_ffffn;
/** A Hello: 64 KiB. */
export const HELLO_MAX_BYTES = 65_536;
/** An Error: 64 KiB. */
export const ERROR_MAX_BYTES = 65_536;
/** A Status document: 1 MiB. */
export const STATUS_MAX_BYTES = 1_048_576;
/** An answer to a Compare: 64 MiB, for the keys of one segment can be as long. */
export const COMPARED_MAX_BYTES = 67_108_864;
/** Messages of channels in one frame: 256 MiB. */
export const MESSAGES_MAX_BYTES = MAX_FRAME_PAYLOAD_BYTES;
/** The text in which a peer says why it does not fail over, characters. */
export const FAILOVER_REASON_MAX_CHARS = 500;
/** Text of a Hello's margin: 4 KiB. */
export const MARGIN_MAX_BYTES = 4_096;
/** The fastest level of zstd. */
export const MIN_ZSTD_LEVEL = 1;
/** The level of zstd that compresses most. */
export const MAX_ZSTD_LEVEL = 22;
/** zstd's own default. */
export const DEFAULT_ZSTD_LEVEL = 3;

// Shards and values.

/** Shards of a store at most. */
export const MAX_SHARDS = 1_024;
/** A list of watermarks, one for each shard: 8,196 bytes. */
export const WATERMARKS_MAX_BYTES = 4 + 8 * MAX_SHARDS;
/** A Digests frame: its sort, and for each shard its number, its sequence and its digest. */
export const DIGESTS_MAX_BYTES = 5 + 28 * MAX_SHARDS;
/** A Seal: where what it seals begins, how many frames these are, and their hash. */
export const SEAL_BYTES = 20;
/** A Failover frame: an order, with its history and a list of watermarks. */
export const FAILOVER_MAX_BYTES = 18 + WATERMARKS_MAX_BYTES;
/** The numbers of shards that are allowed, in words. */
export const SHARD_COUNTS = `a power of two from 1 to ${MAX_SHARDS}`;

/** Whether a store, or a peer's, can have so many shards. */
export function isShardCount(count: unknown): count is number {
  return typeof count === 'number' && Number.isInteger(Math.log2(count)) && count >= 1 && count <= MAX_SHARDS;
}

/** 64 MiB. */
export const DEFAULT_MAX_VALUE_BYTES = 67_108_864;

// Batches.

/** Records of a batch at most. */
export const DEFAULT_BATCH_MAX_RECORDS = 512;
/** 1 MiB. */
export const DEFAULT_BATCH_MAX_BYTES = 1_048_576;

// A primary and its replicas.

/** 1 MiB. */
export const DEFAULT_SNAPSHOT_CHUNK_BYTES = 1_048_576;
/** A peer that connects has this long to have sent its whole Hello. */
export const HELLO_DEADLINE_MS = 1_000;

// A replica and its primary.

/** The time that a connection may take to open, ms. */
export const DEFAULT_CONNECT_TIMEOUT_MS = 500;
/** Ceiling of the first pause before another try, ms. */
export const DEFAULT_RECONNECT_BACKOFF_MS = 200;
/** Ceiling of every pause before another try, ms. */
export const MAX_RECONNECT_BACKOFF_MS = 5_000;
/** The least pause of a replica that has no memory for its primary's content, ms; up to twice as much. */
export const FULL_BACKOFF_MS = 60_000;
