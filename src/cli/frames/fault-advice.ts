/** Advises a person about the faults that `frames verify` finds. */
import type { ErrorCode, FastcacheError } from '../../errors.js';

const DAMAGED =
  'These bytes are damaged: frames salvage copies the frames around them; their content is in ' +
  'no dump, so let replicas take a new snapshot.';

const advice: Partial<Record<ErrorCode, string>> = {
  FCRP_UNSUPPORTED_VERSION:
    'A frame of another FCRP version, or damage: frames salvage leaves it out; a dump of version ' +
    '3 wants a newer fastcache.',
  FCRP_KEY_HASH_MISMATCH:
    'The record is damaged, or its writer hashes keys in another way; a replica refuses its ' +
    'frame, and frames salvage leaves it out.',
  FRAME_HASH_MISMATCH:
    'These bytes were changed after they were written, perhaps in a value: a copy of the dump or a ' +
    'replica has the right content of these keys. If the dump was changed on purpose, remove its index.',
  KEY_TAG_MISMATCH: 'The record is damaged; frames salvage leaves its frame out.',
  SHARD_OUT_OF_RANGE:
    'The record is damaged, or the dump is of more shards than was said: look at --shards and at ' +
    'the lists of watermarks.',
  SHARD_MISROUTED:
    'If nearly all records are, the primary routed differently: try --route session-prefix, or ' +
    'another --shards. A single one is damaged, and its key is lost to lookups.',
  SEQUENCE_GAP:
    'These records are not in the dump. A replica that applies it stops here; take a snapshot ' +
    '(replica follow --once --record) in its place.',
  SEQUENCE_OUT_OF_ORDER:
    'A damaged sequence, or frames that were put together in the wrong order: merge dumps in the ' +
    'order in which they were recorded.',
  SNAPSHOT_OUT_OF_ORDER:
    'This snapshot is not whole and must not be loaded: frames salvage leaves all of it out; ' +
    'record another one.',
  WATERMARK_FELL:
    'Dumps of different runs were put together, or a primary lost what it had sent: take what is ' +
    'before and behind this place apart.',
  SHARD_COUNT_DIFFERS:
    'Dumps of different stores were put together, or --shards is not what the primary has.',
};

/** Returns the advice, a sentence or two. With `isCutTail` the dump merely ends inside its last frame. */
export function adviceFor({ code }: FastcacheError, isCutTail: boolean): string {
  if (isCutTail) {
    return (
      'The file merely ends inside its last frame: it is still being written, or its writer ' +
      'was killed. frames salvage copies all before it.'
    );
  }
  return advice[code] ?? DAMAGED;
}
