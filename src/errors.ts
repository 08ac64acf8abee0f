/**
 * The one error class of the project and the one table of its codes (docs/architecture.md, "Errors"). A
 * peer's, a file's or a user's fault is a `FastcacheError`; a programmer's is an assertion and never one of
 * these.
 */

interface CodeTraits {
  /** Exit status of a command that ends with this error (docs/command-line.md, "Exit status"). */
  exitCode: number;
  /** Whether doing the same again later, with nothing changed on this side, may succeed. */
  retryable: boolean;
}

/** Exit status of a command that has found wrong frames (docs/command-line.md, "Exit status"). */
export const EXIT_BAD_FRAMES = 65;

const badFrame = { exitCode: EXIT_BAD_FRAMES, retryable: false } as const;

/**
 * Every code. `FCRP_*` are refusals (docs/protocol.md, "Refusals"): bytes that are not FCRP, wherever they
 * came from.
 */
export const errorCodes = {
  // The header and the frame as a whole (docs/protocol.md, "Frame").
  FCRP_SHORT_HEADER: badFrame,
  FCRP_BAD_MAGIC: badFrame,
  FCRP_UNSUPPORTED_VERSION: badFrame,
  FCRP_UNKNOWN_KIND: badFrame,
  FCRP_UNKNOWN_FLAG: badFrame,
  FCRP_RESERVED_NOT_ZERO: badFrame,
  FCRP_LENGTH_OVER_LIMIT: badFrame,
  FCRP_LENGTHS_DIFFER: badFrame,
  FCRP_LENGTH_MISMATCH: badFrame,
  FCRP_TRUNCATED: badFrame,
  FCRP_ZSTD_CORRUPT: badFrame,
  FCRP_ZSTD_NO_FRAME: badFrame,
  FCRP_ZSTD_SECOND_FRAME: badFrame,
  FCRP_ZSTD_LENGTH_DIFFERS: badFrame,
  // Payloads (docs/protocol.md, "Payloads").
  FCRP_FIELD_PAST_PAYLOAD: badFrame,
  FCRP_COUNT_OVER_PAYLOAD: badFrame,
  FCRP_TRAILING_BYTES: badFrame,
  FCRP_INVALID_UTF8: badFrame,
  FCRP_UNKNOWN_OP: badFrame,
  FCRP_KEY_HASH_MISMATCH: badFrame,
  FCRP_HELLO_VERSION: badFrame,
  FCRP_HELLO_ROLE: badFrame,
  FCRP_HELLO_WATERMARKS_BYTE: badFrame,
  FCRP_SNAPSHOT_LAST_BYTE: badFrame,
  // The margin of a Hello (docs/protocol.md, "Margin").
  FCRP_MARGIN_OVER_LIMIT: badFrame,
  FCRP_MARGIN_MALFORMED: badFrame,
  // A Status document (docs/protocol.md, "Status").
  FCRP_STATUS_MALFORMED: badFrame,
  FCRP_MESSAGE_SORT: badFrame,
  FCRP_FAILOVER_SORT: badFrame,
  FCRP_DIGESTS_SORT: badFrame,
  FCRP_COMPARE_MALFORMED: badFrame,

  // Sound frames that do not belong where they stand.
  FRAME_OUT_OF_PLACE: { exitCode: EXIT_BAD_FRAMES, retryable: true },
  SEQUENCE_GAP: { exitCode: EXIT_BAD_FRAMES, retryable: true },
  SEQUENCE_OUT_OF_ORDER: { exitCode: EXIT_BAD_FRAMES, retryable: false },
  KEY_TAG_MISMATCH: { exitCode: EXIT_BAD_FRAMES, retryable: false },
  SHARD_OUT_OF_RANGE: { exitCode: EXIT_BAD_FRAMES, retryable: false },
  SHARD_MISROUTED: { exitCode: EXIT_BAD_FRAMES, retryable: false },
  SHARD_COUNT_DIFFERS: { exitCode: EXIT_BAD_FRAMES, retryable: false },
  /** The bytes of a frame are not those that its index has the hash of. */
  FRAME_HASH_MISMATCH: { exitCode: EXIT_BAD_FRAMES, retryable: false },
  WATERMARK_FELL: { exitCode: EXIT_BAD_FRAMES, retryable: false },
  SNAPSHOT_OUT_OF_ORDER: { exitCode: EXIT_BAD_FRAMES, retryable: true },
  /** A dump without content. */
  DUMP_EMPTY: { exitCode: EXIT_BAD_FRAMES, retryable: false },

  // RDB files (docs/redis.md, "Coming from Redis").
  RDB_MALFORMED: { exitCode: EXIT_BAD_FRAMES, retryable: false },
  RDB_TRUNCATED: { exitCode: EXIT_BAD_FRAMES, retryable: false },
  RDB_CHECKSUM_DIFFERS: { exitCode: EXIT_BAD_FRAMES, retryable: false },
  RDB_VERSION: { exitCode: EXIT_BAD_FRAMES, retryable: false },
  /** Keys that are no strings, or in other databases, and that are not to be left out. */
  RDB_OTHER_TYPES: { exitCode: EXIT_BAD_FRAMES, retryable: false },
  RDB_OTHER_DATABASES: { exitCode: EXIT_BAD_FRAMES, retryable: false },

  // The store.
  OUT_OF_MEMORY: { exitCode: 1, retryable: true },
  VALUE_OVER_LIMIT: { exitCode: 1, retryable: false },

  // A node that is asked for what it does not do in its state.
  /** It follows a primary, and takes no writes of its own. */
  READ_ONLY: { exitCode: 1, retryable: true },
  /** It keeps no content (`state`), which a primary could serve, or has come back without its own. */
  NO_CONTENT: { exitCode: 1, retryable: false },
  CLOSED: { exitCode: 1, retryable: false },
  /** It was not ready within the time that it was given. */
  NOT_READY: { exitCode: 1, retryable: true },
  /** A write is on the primary, and the replica that wrote it has not applied it in time. */
  NOT_APPLIED: { exitCode: 1, retryable: false },
  /** So many writes wait for the answers of the primary that another one is refused. */
  TOO_MANY_WRITES: { exitCode: 1, retryable: true },
  /** A value that is to be incremented. */
  NOT_AN_INTEGER: { exitCode: 1, retryable: false },

  // The other end of a connection.
  PRIMARY_UNREACHABLE: { exitCode: 69, retryable: true },
  CONNECTION_LOST: { exitCode: 69, retryable: true },
  /** The two ends do not come to terms over TLS: a certificate is not accepted, or one speaks no TLS. */
  TLS_FAILED: { exitCode: 69, retryable: true },
  PEER_SILENT: { exitCode: 69, retryable: true },
  TOKEN_REFUSED: { exitCode: 77, retryable: false },
  PRIMARY_REFUSED: { exitCode: 1, retryable: true },
  TOO_MANY_REPLICAS: { exitCode: 1, retryable: true },
  HISTORY_DIFFERS: { exitCode: 1, retryable: true },
  CONTENT_DIVERGES: { exitCode: 1, retryable: false },
  STATUS_NOT_TOLD: { exitCode: 1, retryable: false },
  /** A server that is too old for the questions of `verify`, or that refuses one. */
  COMPARE_REFUSED: { exitCode: 1, retryable: false },
  /** A repair between sides that are not a primary and its replica. */
  REPAIR_REFUSED: { exitCode: 2, retryable: false },
  /** A relay that has no content itself. */
  PRIMARY_LOADING: { exitCode: 1, retryable: true },
  /** A relay that has less of the history than is held. */
  PRIMARY_BEHIND: { exitCode: 1, retryable: true },
  REPLICATION_CYCLE: { exitCode: 1, retryable: true },
  /** A primary's history that is foreign to the keys that are held. */
  FOREIGN_HISTORY: { exitCode: 1, retryable: true },
  /** None of the nodes that were asked gave its content. */
  RECOVERY_FAILED: { exitCode: 69, retryable: true },
  /** There is a primary already, where one was to recover from its replicas. */
  PRIMARY_EXISTS: { exitCode: 1, retryable: false },
  EMPTY_SNAPSHOT: { exitCode: 1, retryable: true },
  PASSWORD_REFUSED: { exitCode: 77, retryable: false },
  SERVER_REFUSED: { exitCode: 1, retryable: true },
  REPLY_MALFORMED: { exitCode: 1, retryable: false },
  /** A server that is to take an import holds keys. */
  TARGET_NOT_EMPTY: { exitCode: 1, retryable: false },
  /** Clients cannot move from the source of an import to its target. */
  CUT_OVER_FAILED: { exitCode: 1, retryable: true },

  // This machine and this invocation.
  PORT_TAKEN: { exitCode: 1, retryable: true },
  LISTEN_FAILED: { exitCode: 1, retryable: false },
  NO_INPUT: { exitCode: 66, retryable: false },
  READ_FAILED: { exitCode: 1, retryable: false },
  WRITE_FAILED: { exitCode: 1, retryable: false },
  /** The zstd library is not installed, or not for this Node. */
  ZSTD_MISSING: { exitCode: 1, retryable: false },
  STATE_UNUSABLE: { exitCode: 1, retryable: false },
  /** Another process has the data directory. */
  DATA_IN_USE: { exitCode: 1, retryable: true },
  /** A file of a data directory is not what was written. */
  DATA_DAMAGED: badFrame,
  /** A certificate or a key of this side. */
  TLS_UNUSABLE: { exitCode: 1, retryable: false },
  BAD_OPTION: { exitCode: 2, retryable: false },
  INSECURE_ADDRESS: { exitCode: 2, retryable: false },
} as const satisfies Record<string, CodeTraits>;

/** The name of a fault. */
export type ErrorCode = keyof typeof errorCodes;

/** The details of a fault besides its words; a field that is absent is not known. */
export interface ErrorDetails {
  /** Byte offset of the fault, from the start of the bytes that the thrower was given to read. */
  offset?: number;
  expected?: string | number | bigint;
  found?: string | number | bigint;
  file?: string;
  /** The shard whose records the fault is in; undefined when the fault is in none. */
  shard?: number;
  /** `host:port` of the peer or of the address that was asked for. */
  address?: string;
  cause?: unknown;
}

/**
 * `message` is a whole sentence for a person and names no place: the place is in `offset` and `file`, which
 * the layers on the way up complete (`at`, `placedAt`, `inFile`), and in words in `place`.
 */
export class FastcacheError extends Error {
  override readonly name = 'FastcacheError';
  readonly code: ErrorCode;
  readonly expected: string | number | bigint | undefined;
  readonly found: string | number | bigint | undefined;
  readonly address: string | undefined;
  readonly shard: number | undefined;
  offset: number | undefined;
  file: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.offset = details.offset;
    this.expected = details.expected;
    this.found = details.found;
    this.file = details.file;
    this.address = details.address;
    this.shard = details.shard;
  }

  get exitCode(): number {
    return errorCodes[this.code].exitCode;
  }

  get retryable(): boolean {
    return errorCodes[this.code].retryable;
  }

  /**
   * `byte 36 of dump.fcrp`, `byte 36`, `dump.fcrp`, or undefined when nothing is known. The file name is raw.
   */
  get place(): string | undefined {
    if (this.offset === undefined) return this.file;
    return this.file === undefined ? `byte ${this.offset}` : `byte ${this.offset} of ${this.file}`;
  }

  /**
   * Counts the offset from the start of a larger input, in which these bytes began at `offsetBase`. Returns
   * itself.
   */
  at(offsetBase: number): this {
    this.offset = offsetBase + (this.offset ?? 0);
    return this;
  }

  /**
   * Replaces the offset, where the thrower's has no meaning outside (inside a compressed payload). Returns
   * itself.
   */
  placedAt(offset: number): this {
    this.offset = offset;
    return this;
  }

  inFile(file: string): this {
    this.file = file;
    return this;
  }
}

/** Whether `error` says that frames are wrong, and not that a file, a peer or a store failed. */
export function isBadFrames(error: unknown): error is FastcacheError {
  return error instanceof FastcacheError && error.exitCode === EXIT_BAD_FRAMES;
}
