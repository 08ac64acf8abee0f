/**
 * The payload of a Failover frame (docs/protocol.md, "Failover"), by which a primary hands over to one of its
 * replicas: a byte for what it says, and its fields:
 *
 *     1 order     u8 forced | 16 bytes history | u32 count | count x u64 watermarks
 *     2 accepted
 *     3 refused   u32 length | text
 *     4 request   u32 timeout, ms
 */
import { FastcacheError } from '../errors.js';
import { FAILOVER_REASON_MAX_CHARS } from '../limits.js';
import { PayloadReader } from './payload-reader.js';
import { readWatermarks, watermarksBytes, writeWatermarks } from './watermarks.js';

/** The order of a primary, which takes no writes meanwhile, that its replica is to promote itself. */
export interface FailoverOrder {
  readonly says: 'order';
  /** The replica is to promote itself even if it does not hold all. */
  readonly isForced: boolean;
  /** The history that the replica's own is to continue, 32 hex digits. */
  readonly history: string;
  /** The watermarks that the replica must hold, no less and no more. */
  readonly watermarks: ArrayLike<bigint>;
}

/** The message of a Failover frame. */
export type FailoverMessage =
  | FailoverOrder
  /** A replica's answer to an order: from now on it is the primary. */
  | { readonly says: 'accepted' }
  /** A replica's answer to an order, or a primary's to a request: nothing has changed, for this reason. */
  | { readonly says: 'refused'; readonly reason: string }
  /** A replica asks its primary to hand over to it within so many milliseconds, a u32. */
  | { readonly says: 'request'; readonly timeoutMs: number };

const ORDER = 1;
const ACCEPTED = 2;
const REFUSED = 3;
const REQUEST = 4;
const HISTORY_BYTES = 16;

/** Encodes a payload; a reason that is too long is cut. */
export function encodeFailover(message: FailoverMessage): Buffer {
  switch (message.says) {
    case 'order':
      return encodeOrder(message);
    case 'accepted':
      return Buffer.of(ACCEPTED);
    case 'refused': {
      const text = Buffer.from(message.reason.slice(0, FAILOVER_REASON_MAX_CHARS));
      return Buffer.concat([numbered(REFUSED, text.length), text]);
    }
    case 'request':
      return numbered(REQUEST, message.timeoutMs);
  }
}

/**
 * Decodes a payload. Throws `FCRP_FAILOVER_SORT` and other `FCRP_*` with payload offsets. A reason is the
 * peer's: escape it before it reaches a terminal.
 */
export function decodeFailover(payload: Uint8Array): FailoverMessage {
  const reader = new PayloadReader(payload);
  const message = readMessage(reader);
  reader.finish();
  return message;
}

function encodeOrder({ isForced, history, watermarks }: FailoverOrder): Buffer {
  const payload = Buffer.allocUnsafeSlow(2 + HISTORY_BYTES + watermarksBytes(watermarks));
  payload[0] = ORDER;
  payload[1] = isForced ? 1 : 0;
  payload.write(history, 2, 'hex');
  writeWatermarks(payload, 2 + HISTORY_BYTES, watermarks);
  return payload;
}

function numbered(sort: number, value: number): Buffer {
  const bytes = Buffer.of(sort, 0, 0, 0, 0);
  bytes.writeUInt32LE(value, 1);
  return bytes;
}

function readMessage(reader: PayloadReader): FailoverMessage {
  const sort = reader.u8('sort of the failover frame');
  switch (sort) {
    case ORDER: {
      const forced = reader.u8('forced byte');
      if (forced > 1) throw unknown('forced byte', 1, '0 or 1', forced);
      const history = reader.bytes(HISTORY_BYTES, 'history').toString('hex');
      return { says: 'order', isForced: forced === 1, history, watermarks: readWatermarks(reader) };
    }
    case ACCEPTED:
      return { says: 'accepted' };
    case REFUSED:
      return { says: 'refused', reason: reader.text(reader.u32('length of the reason'), 'reason') };
    case REQUEST:
      return { says: 'request', timeoutMs: reader.u32('timeout') };
    default:
      throw unknown('sort', 0, '1 to 4', sort);
  }
}

function unknown(field: string, offset: number, expected: string, found: number): FastcacheError {
  const message = `The ${field} of the Failover frame is ${found}; ${expected} is known.`;
  return new FastcacheError('FCRP_FAILOVER_SORT', message, { offset, expected, found });
}
