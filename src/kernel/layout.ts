// Constants that the kernel (AssemblyScript) and the engine (TypeScript) share; both compilers read this
// file. Only plain numbers may stand here.

// The results of `execute`.
/** All of the input has been executed. */
export const STATUS_DONE = 0;
/**
 * The rest, from RESULT_CONSUMED on, is the start of a command; RESULT_NEED is the least length it can have.
 */
export const STATUS_INCOMPLETE = 1;
/** The host must run the command; its arguments stand in the argument table. */
export const STATUS_HANDED_OUT = 2;
/** The command is an inline one: RESULT_ARGC is 1 and the table has the line. */
export const STATUS_INLINE = 3;
/** The client broke the protocol; RESULT_DETAIL is one of PROTOCOL_*. */
export const STATUS_PROTOCOL_ERROR = 4;
/**
 * The next reply needs RESULT_NEED free bytes of output: the host takes what is there and calls again from
 * RESULT_CONSUMED on.
 */
export const STATUS_OUTPUT_FULL = 5;
/** The commands so far have emitted `RUN_EMITTED_BYTES_MAX`: before the next, others should have a turn. */
export const STATUS_EMITTED_MUCH = 6;
/** The commands so far have changed a key that the client tracks itself, which MODE_OWN_CHANGES asks for. */
export const STATUS_OWN_CHANGE = 7;
/** Bytes of records that one client's commands emit before others have their turn: 8 MiB. */
export const RUN_EMITTED_BYTES_MAX = 8_388_608;
/** From this length on, writes of a part of a value that follow one another have one record: 64 KiB. */
export const POSTPONED_VALUE_BYTES_MIN = 65_536;

export const PROTOCOL_MULTIBULK_LENGTH = 1;
export const PROTOCOL_BULK_LENGTH = 2;
export const PROTOCOL_EXPECTED_DOLLAR = 3;
export const PROTOCOL_INLINE_TOO_BIG = 4;
export const PROTOCOL_UNAUTHENTICATED_MULTIBULK = 5;
export const PROTOCOL_UNAUTHENTICATED_BULK = 6;

// How the next commands are taken, as bits of `setMode`.
/** The host runs all commands, also those that would run in the kernel. */
export const MODE_HAND_OUT = 1;
/** Replies are those of RESP3. */
export const MODE_RESP3 = 2;
/** The client has not given its password, so that what it may send is limited. */
export const MODE_UNAUTHENTICATED = 4;
/** Keys that are read do not count as used (CLIENT NO-TOUCH). */
export const MODE_NO_TOUCH = 8;
/** The client tracks the keys that it reads. */
export const MODE_TRACKING = 16;
/** A run ends behind the command that has changed a key that the client itself tracks. */
export const MODE_OWN_CHANGES = 32;
/** Writes may exceed the memory limit: room was made before, for the whole transaction or script. */
export const MODE_OVER_LIMIT = 64;
/** The bits from here on are the client's number among those that track keys, 0 when it is none of them. */
export const MODE_TRACKER_SHIFT = 8;
/** The greatest number of a client that tracks keys. */
export const TRACKERS_MAX = 65535;
/** The longest key that is tracked; a client that reads a longer one is lost, as without memory. */
export const TRACKED_KEY_BYTES_MAX = 65536;
/** The bytes into which changes are taken; any one fits: a key, and 4 bytes for each client. */
export const TAKEN_BYTES = 524288;
/** Cells of 64 bytes that tracked keys take at most: 128 MiB. */
export const TRACKED_CELLS_MAX = 2097152;
/** Redis' limits before a password: arguments of one command, and bytes of one argument. */
export const UNAUTHENTICATED_ARGUMENTS_MAX = 10;
export const UNAUTHENTICATED_ARGUMENT_BYTES_MAX = 16384;

/** The commands that run in the kernel, by which `callsOf` counts. */
export const COMMAND_GET = 0;
export const COMMAND_SET = 1;
export const COMMAND_DEL = 2;
export const COMMAND_TTL = 3;
export const COMMAND_MGET = 4;
export const COMMAND_MSET = 5;
export const COMMAND_INCR = 6;
export const COMMAND_DECR = 7;
export const COMMAND_PTTL = 8;
export const COMMAND_EXISTS = 9;
export const COMMAND_STRLEN = 10;
export const COMMAND_INCRBY = 11;
export const COMMAND_DECRBY = 12;
export const COMMAND_APPEND = 13;
export const COMMAND_EXPIRE = 14;
export const COMMAND_PEXPIRE = 15;
export const COMMAND_PERSIST = 16;
export const COMMAND_EXPIREAT = 17;
export const COMMAND_PEXPIREAT = 18;
export const COMMAND_UNLINK = 19;
export const COMMAND_TOUCH = 20;
export const COMMANDS = 21;
export const NO_COMMAND = 255;
/**
 * How a command ended, by which `callsOf` counts: it ran and replied, or replied an error, or was not run at
 * all.
 */
export const ENDED_WELL = 0;
export const ENDED_FAILED = 1;
export const ENDED_REJECTED = 2;

// The notes that the host can have taken, each with the key; the numbers are bits of the argument of
// `wantNotes`.
/** A key that was not there is written. */
export const NOTE_NEW = 0;
export const NOTE_WRITTEN = 1;
export const NOTE_DELETED = 2;
/** A key is given an expiry by itself, or by a command that says so. */
export const NOTE_EXPIRY = 3;
export const NOTE_PERSISTED = 4;
export const NOTE_EXPIRED = 5;
export const NOTE_EVICTED = 6;
/** A read has not found its key. */
export const NOTE_MISSED = 7;
/** Nothing, which is never wanted. */
export const NOTE_NOTHING = 31;

/** Buckets in which the times of a command's calls are counted (resp/latencies.ts). */
export const LATENCY_BUCKETS = 192;

// Words (u32) of the result block, at the address that `resultBlock` returns.
export const RESULT_CONSUMED = 0;
export const RESULT_OUTPUT = 1;
export const RESULT_NEED = 2;
export const RESULT_ARGC = 3;
/** Address of the argument table: argc pairs of (address, bytes). */
export const RESULT_ARGV = 4;
export const RESULT_DETAIL = 5;
/** After STATUS_INCOMPLETE: where the argument starts that is not whole, and how many are lacking with it. */
export const RESULT_RESUME_AT = 6;
export const RESULT_RESUME_ARGS = 7;
// The results of apply, load and scan.
export const RESULT_APPLIED = 8;
export const RESULT_SKIPPED = 9;
export const RESULT_FAULT_OFFSET = 10;
export const RESULT_COUNT = 11;
/** Unix ms as an f64, in the words 12 and 13. */
export const RESULT_TIMESTAMP_F64 = 12;
/** u64 operands of a fault (what was expected, what was found), at words 14 and 16. */
export const RESULT_EXPECTED_U64 = 14;
export const RESULT_FOUND_U64 = 16;
/** u64: the cursor with which a scan goes on, at word 18. */
export const RESULT_CURSOR_U64 = 18;
export const RESULT_DONE = 20;
export const RESULT_SHARD = 21;
/** The last command that ran in the kernel; NO_COMMAND when none has. */
export const RESULT_COMMAND = 22;
/** u64: the generation of the segment in which a scan goes on, at word 24. */
export const RESULT_GENERATION_U64 = 24;
/** Two u64: the sums of a digest, at words 26 and 28. */
export const RESULT_DIGEST_U64 = 26;
export const RESULT_SECOND_DIGEST_U64 = 28;
export const RESULT_WORDS = 30;

// The digests of ranges of key hashes (kernel/store/digest-ranges.ts).
/** Bytes of a part: two u64 sums and a u64 count of entries. */
export const DIGEST_PART_BYTES = 24;
/** Bytes before the key of a listed entry: u64 key hash, u64 print, u64 expiry, u32 key length. */
export const LISTED_HEADER_BYTES = 28;
/** Of longer keys no more than their beginning is listed, in so many bytes. */
export const LISTED_KEY_BYTES_MAX = 32768;
export const LISTED_BEGINNING_BYTES = 256;
/** No number of a shard: it stands for the one that the key routes to. */
export const ROUTED_SHARD = 0xffffffff;

// The results of `apply` and `load`.
export const APPLY_OK = 0;
export const APPLY_COUNT = 1;
export const APPLY_TRUNCATED = 2;
export const APPLY_OP = 3;
export const APPLY_SHARD = 4;
export const APPLY_HASH = 5;
export const APPLY_GAP = 6;
export const APPLY_TRAILING = 7;
export const APPLY_MEMORY = 8;

// The results of `readRdb`: the bytes end, perhaps within an entry; something else than a string begins; the
// output is full, and the next entry needs RESULT_NEED bytes; the string at RESULT_FAULT_OFFSET is malformed,
// or has RESULT_FOUND_U64 bytes, which are more than it may have.
export const RDB_MORE = 0;
export const RDB_OTHER = 1;
export const RDB_FULL = 2;
export const RDB_MALFORMED = 3;
export const RDB_LONG = 4;

// The checks of `verifyNext`, as bits, and its results besides 0.
export const VERIFY_KEYS = 1;
export const VERIFY_ORDER = 2;
export const VERIFY_HASH = 1;
export const VERIFY_TAG = 2;
export const VERIFY_SHARD = 3;
export const VERIFY_ROUTE = 4;
export const VERIFY_GAP = 5;
/**
 * The sequence is not above the one before it in its batch, or is out of a gap behind what follows the gap;
 * that one is what was expected.
 */
export const VERIFY_SEQUENCE = 6;

// The state of a dump's shard: its bytes, and where the host reads the least and the greatest sequence, how
// many records there were and how many of them were skipped, the sequence behind which it goes on (u64 each),
// and whether that is known (u8).
export const STAND_BYTES = 64;
export const STAND_LEAST = 0;
export const STAND_GREATEST = 8;
export const STAND_RECORDS = 16;
export const STAND_SKIPPED = 24;
export const STAND_POSITION = 32;
export const STAND_KNOWN = 60;

// How `writeLines` shows values: their lengths, text where they are UTF-8, hex, Base64.
export const VALUES_NONE = 0;
export const VALUES_TEXT = 1;
export const VALUES_HEX = 2;
export const VALUES_BASE64 = 3;
/**
 * The longest record or entry of which `writeLines` makes a line, and room that is enough for any such line.
 */
export const LINE_CONTENT_BYTES_MAX = 131072;
export const LINES_BYTES = 1048576;

// Where the host reads what `statsStart` returns, u64 each: the least and the greatest time, how many
// records, how many of shards that no store has; how many of each op from Set on and of keys without prefix,
// and their bytes; then the shards; then the histograms.
export const STATS_FIRST_TIME = 0;
export const STATS_LAST_TIME = 8;
export const STATS_RECORDS = 16;
export const STATS_OUT_OF_RANGE = 24;
export const STATS_OPS = 32;
export const STATS_NO_PREFIX = 80;
export const STATS_SHARDS = 96;
/** The fields of a shard, u64 each. */
export const STATS_SHARD_BYTES = 80;
export const STATS_SHARD_RECORDS = 0;
export const STATS_SHARD_TOTAL = 8;
export const STATS_SHARD_FIRST = 16;
export const STATS_SHARD_LAST = 24;
export const STATS_SHARD_GAPS = 32;
export const STATS_SHARD_MISSING = 40;
export const STATS_SHARD_BACK = 48;
// The histograms, behind 1,024 shards: bucket 0 counts what is 0, bucket n what is from 2^(n-1) to below 2^n.
export const STATS_BUCKETS = 65;
export const STATS_KEY_SIZES = 82016;
export const STATS_VALUE_SIZES = 82536;
export const STATS_LIVES = 83056;
/** How many Set and Expire records have no expiry. */
export const STATS_ENDLESS = 83576;
/** The bytes of all these counts. */
export const STATS_BYTES = 83584;
/** A key's prefix ends with its first colon, which stands among so many bytes. */
export const PREFIX_BYTES_MAX = 80;
/** Buckets of a rate over time, a power of two. */
export const RATE_BUCKETS = 64;

// The keys that come most often (sketch.ts): how many there may be, how much of a key is kept, and where the
// host reads an item's bytes in all (u64), the most by which its count is too high (u64), its group (u32),
// the key's length (u32) and what is kept of it.
export const SKETCH_ITEMS = 4096;
export const SKETCH_KEY_BYTES_MAX = 80;
export const SKETCH_HASH_BITS = 13;
export const SKETCH_HEADS_AT = 8;
export const SKETCH_ITEMS_AT = 32776;
export const SKETCH_ITEM_BYTES = 128;
export const SKETCH_KEY_TOTAL = 0;
export const SKETCH_KEY_ERROR = 8;
export const SKETCH_GROUP = 16;
export const SKETCH_KEY_BYTES = 20;
export const SKETCH_KEY = 48;
/** A group begins with the count (u64) of its items. */
export const SKETCH_GROUPS_AT = 557192;
export const SKETCH_GROUP_BYTES = 24;
export const SKETCH_BYTES = 655544;

// The treatment of a use of a key (store/sampled-uses.ts).
export const USE_COUNTED = 0;
export const USE_LEFT_OUT = 1;
export const USES_IGNORED = 2;

// The keys with the biggest values (biggest.ts): how many, and where the host reads an entry's offset (u64),
// the value's length (u32), the key's length (u32) and what is kept of the key.
export const BIGGEST_VALUES = 10;
export const BIGGEST_ENTRY_BYTES = 112;
export const BIGGEST_HASH = 0;
export const BIGGEST_OFFSET = 8;
export const BIGGEST_VALUE_BYTES = 16;
export const BIGGEST_KEY_BYTES = 20;
export const BIGGEST_KEY = 24;

// The results of `put`, `removeKey`, `expireKey` and `scanKeys`.
export const WRITE_MISSING = 0;
export const WRITE_DONE = 1;
export const WRITE_MEMORY = 2;

// The keys that are evicted when memory is full; the last four policies choose among keys that expire.
export const EVICT_NOTHING = 0;
export const EVICT_LRU = 1;
export const EVICT_LFU = 2;
export const EVICT_RANDOM = 3;
export const EVICT_TTL = 4;
export const EVICT_VOLATILE_LRU = 5;
export const EVICT_VOLATILE_LFU = 6;
export const EVICT_VOLATILE_RANDOM = 7;
/** At most so many keys are evicted at a time towards a limit that was lowered, well within a millisecond. */
export const EVICTION_STEP_KEYS = 256;

// A subcommand of BITFIELD (bit-field.ts): its bytes, and where it has the first bit (u64), the number
// that is set or added and afterwards the reply (i64), what is done (u8), what happens to a number that
// does not fit (u8), how many bits (u8), whether they have a sign (u8), and afterwards whether the reply
// is null (u8).
export const BIT_FIELD_BYTES = 24;
export const BIT_FIELD_OFFSET = 0;
export const BIT_FIELD_NUMBER = 8;
export const BIT_FIELD_ACTION = 16;
export const BIT_FIELD_OVERFLOW = 17;
export const BIT_FIELD_BITS = 18;
export const BIT_FIELD_SIGNED = 19;
export const BIT_FIELD_NULL = 20;
export const BIT_FIELD_GET = 0;
export const BIT_FIELD_SET = 1;
export const BIT_FIELD_ADD = 2;
export const OVERFLOW_WRAP = 0;
export const OVERFLOW_SATURATE = 1;
export const OVERFLOW_FAIL = 2;

// The operations of BITOP, and a source of one: its value's address and bytes (u32 each).
export const BITOP_AND = 0;
export const BITOP_OR = 1;
export const BITOP_XOR = 2;
export const BITOP_NOT = 3;
/** The bits of the first that no other has. */
export const BITOP_DIFF = 4;
/** The bits of any other that the first has not. */
export const BITOP_DIFF1 = 5;
/** The bits of the first that any other has too. */
export const BITOP_ANDOR = 6;
/** The bits that exactly one has. */
export const BITOP_ONE = 7;
export const BITOP_SOURCE_BYTES = 8;

/** The longest time without use that a record can have. */
export const IDLE_SECONDS_MAX = 16777215;
/** The counter of uses of a new record, so that it is not evicted before it can be used. */
export const NEW_USES = 5;

/** The bytes in which `lzfCompress` notes where three bytes stood last. */
export const LZF_HEADS_BYTES = 262144;

export const ROUTE_FULL_KEY = 0;
export const ROUTE_SESSION_PREFIX = 1;

/** So many bytes behind any input are readable, so that short strings can be loaded as words. */
export const INPUT_SLACK_BYTES = 16;
/** The bytes of the shared input window and of the shared output buffer. */
export const INPUT_WINDOW_BYTES = 262144;
export const OUTPUT_BYTES = 262144;
/** Redis' limit of an inline command, bytes. */
export const INLINE_MAX_BYTES = 65536;
/** Redis' limit of arguments in one command. */
export const ARGUMENTS_MAX = 1048576;

// FCRP: where the fields of a MutationBatch record are, and the bytes before its key.
export const RECORD_SHARD_AT = 0;
export const RECORD_SEQUENCE_AT = 4;
export const RECORD_TIMESTAMP_AT = 12;
export const RECORD_OP_AT = 20;
export const RECORD_KEY_HASH_AT = 21;
export const RECORD_KEY_TAG_AT = 29;
export const RECORD_EXPIRY_AT = 37;
export const RECORD_KEY_BYTES_AT = 45;
export const RECORD_VALUE_BYTES_AT = 49;
export const RECORD_HEADER_BYTES = 53;

/** FCRP: the beginning of a frame's header, as a u32, and the kind of a MutationBatch. */
export const FRAME_MAGIC = 0x5052_4346;
export const FRAME_KIND_BATCH = 5;
export const FRAME_KIND_SEAL = 71;
/** Bytes of a frame's header, and of a Seal with it. */
export const FRAME_HEADER_BYTES = 16;
export const SEAL_FRAME_BYTES = 36;

/** An entry of a dump's index, and its shard where a frame has records of none or of several. */
export const INDEX_ENTRY_BYTES = 64;
export const INDEX_NO_SHARD = 0xffff_ffff;
/** FCRP: bytes of a snapshot entry before its key. */
export const ENTRY_HEADER_BYTES = 16;
/** FCRP: the ops of mutations. 4, a Set with governance bytes, is read and never written. */
export const OP_SET = 1;
export const OP_DEL = 2;
export const OP_EXPIRE = 3;
export const OP_SET_GOVERNED = 4;
/** FCRP: bytes of the largest payload of a frame. */
export const PAYLOAD_MAX_BYTES = 268435456;
export const SHARDS_MAX = 1024;
