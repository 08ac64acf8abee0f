// Writes records and entries of a dump as lines of JSON (docs/command-line.md, "JSON"), a frame at a time,
// equal to those that src/cli/rendering/json.ts writes one by one. A payload is opened, which checks its
// structure, and then its lines are written as the output has room.
import {
  entryExpiry,
  entryGovernanceLength,
  entryHeaderBytes,
  entryKeyLength,
  entryValueLength,
  NO_GOVERNANCE,
} from '../entry-fields';
import {
  APPLY_OK,
  LINE_CONTENT_BYTES_MAX,
  OP_DEL,
  OP_EXPIRE,
  OP_SET_GOVERNED,
  VALUES_BASE64,
  VALUES_HEX,
  VALUES_NONE,
} from '../layout';
import { writeDecimal } from '../number';
import { checkEntries, checkRecordCount, entryBytes, soundRecordBytes } from '../payload/payload-checks';
import {
  RECORD_COUNT_BYTES,
  wireExpiry,
  wireKey,
  wireKeyHash,
  wireKeyLength,
  wireKeyTag,
  wireOp,
  wireSequence,
  wireShard,
  wireTimestamp,
  wireValue,
  wireValueLength,
} from '../record-fields';
import {
  ESCAPED_BYTES_MAX,
  writeAscii,
  writeBase64,
  writeHex,
  writeHexNumber,
  writeNumber,
  writeQuoted,
  writeText,
} from './json-text';

/** More bytes than a line takes beside its key, value and governance bytes. */
const LINE_FIXED_BYTES: usize = 512;
const NO_EXPIRY: u64 = 0xffffffffffffffff;

// The open payload: the record or entry of the next line, the end, where offsets count from, and how many are
// left.
let at: usize = 0;
let end: usize = 0;
let start: usize = 0;
let left: u32 = 0;
let areEntries: bool = false;
let areGoverned: bool = false;

/**
 * Opens a MutationBatch payload; returns false when it is malformed or has a record of over
 * LINE_CONTENT_BYTES_MAX.
 */
export function linesOfBatch(payload: usize, bytes: usize): bool {
  if (checkRecordCount(payload, bytes) !== APPLY_OK) return false;
  left = load<u32>(payload);
  start = payload;
  at = payload + RECORD_COUNT_BYTES;
  end = payload + bytes;
  areEntries = false;
  let record = at;
  for (let i: u32 = 0; i < left; i++) {
    const size = soundRecordBytes(payload, record, end);
    if (size === 0 || size > <usize>LINE_CONTENT_BYTES_MAX) return false;
    record += size;
  }
  return record === end;
}

/**
 * Opens the entries of a SnapshotChunk payload as `linesOfBatch` does records; `entries` is the first of
 * them.
 */
export function linesOfEntries(
  payload: usize,
  entries: usize,
  bytes: usize,
  count: u32,
  governed: bool,
): bool {
  if (checkEntries(entries, bytes, count, governed) !== APPLY_OK) return false;
  left = count;
  start = payload;
  at = entries;
  end = entries + bytes;
  areEntries = true;
  areGoverned = governed;
  const header = entryHeaderBytes(governed);
  let entry = at;
  for (let i: u32 = 0; i < count; i++) {
    const size = entryBytes(entry, end, header, governed);
    if (size > <u64>LINE_CONTENT_BYTES_MAX) return false;
    entry += <usize>size;
  }
  return true;
}

/**
 * Writes the next lines, as many as are sure to fit, and returns their bytes, 0 behind the last. `offset` is
 * shown for the payload's first byte, or, when it is `fixed`, for all of it. `values` is one of VALUES_*.
 */
export function writeLines(output: usize, capacity: usize, offset: u64, fixed: bool, values: u32): usize {
  const outputEnd = output + capacity;
  let behind = output;
  while (left > 0) {
    const size = areEntries
      ? <usize>entryBytes(at, end, entryHeaderBytes(areGoverned), areGoverned)
      : soundRecordBytes(start, at, end);
    if (size * ESCAPED_BYTES_MAX + LINE_FIXED_BYTES > outputEnd - behind) break;
    const place = fixed ? offset : offset + <u64>(at - start);
    behind = areEntries ? writeEntry(behind, place, values) : writeRecord(behind, place, values);
    at += size;
    left--;
  }
  return behind - output;
}

function writeRecord(to: usize, place: u64, values: u32): usize {
  const keyBytes = wireKeyLength(at);
  const valueBytes = wireValueLength(at);
  const op = wireOp(at);
  const key = wireKey(at);
  const value = wireValue(at);
  to = writeDecimal(writeAscii(to, '{"type":"record","offset":'), place);
  to = writeDecimal(writeAscii(to, ',"shard":'), wireShard(at));
  to = writeQuoted(writeAscii(to, ',"sequence":'), wireSequence(at));
  to = writeNumber(writeAscii(to, ',"timestampMs":'), wireTimestamp(at));
  to = writeAscii(to, op === OP_DEL ? ',"op":"del",' : op === OP_EXPIRE ? ',"op":"expire",' : ',"op":"set",');
  to = writeBytes(to, '"key', key, keyBytes);
  to = writeValue(writeAscii(to, ','), '"value', value, valueBytes, values);
  if (op === OP_SET_GOVERNED) {
    const governance = value + <usize>valueBytes;
    to = writeValue(writeAscii(to, ','), '"governance', governance + 4, load<u32>(governance), values);
  }
  to = writeExpiry(to, wireExpiry(at));
  to = writeHexNumber(writeAscii(to, ',"keyHash":"'), wireKeyHash(at));
  to = writeNumber(writeAscii(to, '","keyTag":'), wireKeyTag(at));
  return writeAscii(to, '}\n');
}

function writeEntry(to: usize, place: u64, values: u32): usize {
  const keyBytes = entryKeyLength(at);
  const valueBytes = entryValueLength(at);
  const header = entryHeaderBytes(areGoverned);
  const key = at + header;
  const value = key + <usize>keyBytes;
  to = writeDecimal(writeAscii(to, '{"type":"entry","offset":'), place);
  to = writeBytes(writeAscii(to, ','), '"key', key, keyBytes);
  to = writeValue(writeAscii(to, ','), '"value', value, valueBytes, values);
  if (areGoverned && entryGovernanceLength(at) !== NO_GOVERNANCE) {
    to = writeValue(
      writeAscii(to, ','),
      '"governance',
      value + <usize>valueBytes,
      entryGovernanceLength(at),
      values,
    );
  }
  to = writeExpiry(to, entryExpiry(at, header));
  return writeAscii(to, '}\n');
}

function writeExpiry(to: usize, expiry: u64): usize {
  to = writeAscii(to, ',"expireAtMs":');
  return expiry === NO_EXPIRY ? writeAscii(to, 'null') : writeNumber(to, expiry);
}

/**
 * Writes a member: text where the bytes are UTF-8, else Base64 under a name that says so. `name` begins with
 * its quote.
 */
function writeBytes(to: usize, name: string, from: usize, bytes: u32): usize {
  const named = writeAscii(to, name);
  const behind = writeText(writeAscii(named, '":"'), from, bytes);
  if (behind !== 0) return writeAscii(behind, '"');
  return writeAscii(writeBase64(writeAscii(named, 'Base64":"'), from, bytes), '"');
}

function writeValue(to: usize, name: string, from: usize, bytes: u32, values: u32): usize {
  switch (values) {
    case VALUES_NONE:
      return writeDecimal(writeAscii(writeAscii(to, name), 'Bytes":'), bytes);
    case VALUES_HEX:
      return writeAscii(writeHex(writeAscii(writeAscii(to, name), 'Hex":"'), from, bytes), '"');
    case VALUES_BASE64:
      return writeAscii(writeBase64(writeAscii(writeAscii(to, name), 'Base64":"'), from, bytes), '"');
    default:
      return writeBytes(to, name, from, bytes);
  }
}
