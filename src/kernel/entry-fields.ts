// The fields of a SnapshotChunk entry as it travels (docs/protocol.md, "SnapshotChunk"): u32 key length, u32
// value length, in a governed chunk u32 length of the governance bytes, u64 expiry; then key, value and
// governance bytes. An entry's header is longer in a governed chunk, so that what stands behind the lengths
// is found by the header's length.
import { ENTRY_HEADER_BYTES } from './layout';

/** The length that means that a governed chunk's entry has no governance bytes. */
export const NO_GOVERNANCE: u32 = 0xffffffff;

export function entryHeaderBytes(governed: bool): usize {
  return governed ? ENTRY_HEADER_BYTES + 4 : ENTRY_HEADER_BYTES;
}

export function entryKeyLength(at: usize): u32 {
  return load<u32>(at);
}

export function entryValueLength(at: usize): u32 {
  return load<u32>(at, 4);
}

/** Of an entry of a governed chunk; NO_GOVERNANCE without such bytes. */
export function entryGovernanceLength(at: usize): u32 {
  return load<u32>(at, 8);
}

/** When the key expires, Unix ms; all ones without expiry. */
export function entryExpiry(at: usize, headerBytes: usize): u64 {
  return load<u64>(at + headerBytes - 8);
}

/** Writes all that stands before the key of an entry whose chunk is not governed. */
export function writeEntryHead(at: usize, keyBytes: u32, valueBytes: u32, expiresAtMs: u64): void {
  store<u32>(at, keyBytes);
  store<u32>(at, valueBytes, 4);
  store<u64>(at, expiresAtMs, 8);
}
