/** The bounds of options that follow from others' limits. */
import { MAX_FRAME_PAYLOAD_BYTES } from '../limits.js';

/** A batch may exceed its limit by one record, and must still fit into a frame. */
export const LARGEST_BATCH_BYTES = MAX_FRAME_PAYLOAD_BYTES / 4;
/** A key and a value of this size together, with the record around them, fit into a frame. */
export const LARGEST_MAX_VALUE_BYTES = MAX_FRAME_PAYLOAD_BYTES / 2 - 1_048_576;
/** Redis keeps such settings in a signed 32-bit integer. */
export const LARGEST_SETTING = 2 ** 31 - 1;
/**
 * A longer token leaves no room for the watermarks of 1024 shards in a Hello, and AUTH could not carry a
 * longer password.
 */
export const LARGEST_SECRET_BYTES = 4_096;
