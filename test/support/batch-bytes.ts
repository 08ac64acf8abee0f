/** MutationBatch payloads with all that a peer may send: op 4 too, which the codec does not write. */
import { xxh3 } from '@node-rs/xxhash';
import { NO_EXPIRY } from '../../src/frame/batch.js';
import { bytesOf, u8, u32, u64 } from './raw-frames.js';

export interface RecordBytes {
  shard: number;
  sequence: bigint;
  timestampMs?: bigint;
  /** 1 Set, 2 Del, 3 Expire, 4 Set with governance bytes. */
  op: number;
  expireAtMs?: bigint;
  key: Uint8Array | string;
  value?: Uint8Array | string;
  /** In the place of the key's own. */
  keyHash?: bigint;
  governance?: Uint8Array;
}

export function recordBytes(record: RecordBytes): Buffer {
  const key = Buffer.from(record.key);
  const value = Buffer.from(record.value ?? '');
  const keyHash = record.keyHash ?? xxh3.xxh64(key);
  const { governance = Buffer.alloc(0) } = record;
  return bytesOf(
    u32(record.shard),
    u64(record.sequence),
    u64(record.timestampMs ?? 1_760_000_000_000n),
    u8(record.op),
    u64(keyHash),
    u64(keyHash >> 56n),
    u64(record.expireAtMs ?? NO_EXPIRY),
    u32(key.length),
    u32(value.length),
    key,
    value,
    ...(record.op === 4 ? [u32(governance.length), governance] : []),
  );
}

export function batchBytes(...records: RecordBytes[]): Buffer {
  return bytesOf(u32(records.length), ...records.map(recordBytes));
}
