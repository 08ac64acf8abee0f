// LZF, with which Redis' dumps compress strings. It is a row of runs of 1 to 32 bytes as they are, and of
// matches: 3 to 264 bytes that stood up to 8,192 bytes before. A run begins with its length - 1 (below 32). A
// match begins with its length - 2 in three bits, of which 7 says that one more byte is added, and its
// distance - 1 in 13 bits.
import { copyBytes } from './bytes';
import { LZF_HEADS_BYTES } from './layout';

const RUN_MAX: u32 = 32;
const MATCH_MIN: u32 = 3;
const MATCH_MAX: u32 = 264;
const DISTANCE_MAX: usize = 8192;
/** The bytes that the longest head of a match and the head of the next run take. */
const HEADS_MAX: usize = 4;

/** Where the next byte is written, where room ends, and how many bytes the run at hand has. */
let to: usize = 0;
let toEnd: usize = 0;
let run: u32 = 0;

/**
 * Compresses `length` bytes into `capacity` ones at most; returns how many, 0 when they do not fit. `heads`
 * are LZF_HEADS_BYTES for where three bytes stood last. It finds the matches that Redis finds.
 */
export function lzfCompress(from: usize, length: u32, target: usize, capacity: u32, heads: usize): u32 {
  if (length === 0 || capacity === 0) return 0;
  memory.fill(heads, 0, LZF_HEADS_BYTES);
  to = target + 1;
  toEnd = target + capacity;
  run = 0;
  const end = from + length;
  // Three bytes are needed for a match.
  const last = end - min<usize>(length, 2);
  let at = from;
  while (at < last) {
    const before = lookUp(heads, from, at);
    if (before === 0) {
      if (to >= toEnd) return 0;
      addToRun(at++);
      continue;
    }
    if (to + HEADS_MAX >= toEnd && to - (run === 0 ? 1 : 0) + HEADS_MAX >= toEnd) return 0;
    endRun();
    const bytes = matchLength(before, at, end);
    writeMatch(at - before, bytes);
    at += bytes;
    if (at >= last) break;
    // The last two places in the match can be found as well.
    lookUp(heads, from, at - 2);
    lookUp(heads, from, at - 1);
  }
  if (to + 3 > toEnd) return 0;
  while (at < end) addToRun(at++);
  endRun();
  return <u32>(to - target);
}

/** Returns where the three bytes at `at` stood last, 0 when nowhere near, and notes that they stand here. */
function lookUp(heads: usize, from: usize, at: usize): usize {
  const three = ((<u32>load<u8>(at)) << 16) | ((<u32>load<u8>(at, 1)) << 8) | load<u8>(at, 2);
  const slot = heads + <usize>((((three >> 8) - three * 5) & 0xffff) << 2);
  const before = from + load<u32>(slot);
  store<u32>(slot, <u32>(at - from));
  // A place at the very beginning looks like none.
  if (before === from || at - before > DISTANCE_MAX) return 0;
  if (load<u16>(before) !== load<u16>(at) || load<u8>(before, 2) !== load<u8>(at, 2)) return 0;
  return before;
}

/**
 * Returns how many bytes are the same; the last two bytes of all are kept for a run. As Redis does, it
 * looks at 19 bytes before it asks for the end, where that is 19 or 20 bytes away.
 */
function matchLength(before: usize, at: usize, end: usize): u32 {
  const limit = min<u32>(<u32>(end - at) - 2, MATCH_MAX);
  const most = max<u32>(limit, limit > 16 ? 19 : MATCH_MIN);
  let bytes = MATCH_MIN;
  while (bytes < most && load<u8>(before + bytes) === load<u8>(at + bytes)) bytes++;
  return bytes;
}

function addToRun(at: usize): void {
  store<u8>(to++, load<u8>(at));
  if (++run === RUN_MAX) {
    endRun();
    to++;
  }
}

/** Writes the head of the run at hand; one without bytes is taken back, with the room for its head. */
function endRun(): void {
  if (run === 0) to--;
  else store<u8>(to - run - 1, run - 1);
  run = 0;
}

/** Writes a match, and leaves room for the head of the next run. */
function writeMatch(distance: usize, bytes: u32): void {
  const high = <u32>((distance - 1) >> 8);
  const length = bytes - 2;
  if (length < 7) store<u8>(to++, high + (length << 5));
  else {
    store<u8>(to++, high + (7 << 5));
    store<u8>(to++, length - 7);
  }
  store<u8>(to, distance - 1);
  to += 2;
}

/** Expands `length` bytes to exactly `expanded` ones; returns false when they are no such thing. */
export function lzfExpand(from: usize, length: u32, target: usize, expanded: u32): bool {
  const end = from + length;
  const targetEnd = target + expanded;
  let at = from;
  let out = target;
  while (at < end) {
    const head = <u32>load<u8>(at++);
    if (head < RUN_MAX) {
      const bytes = head + 1;
      if (bytes > <u32>(end - at) || bytes > <u32>(targetEnd - out)) return false;
      copyBytes(out, at, bytes);
      at += bytes;
      out += bytes;
      continue;
    }
    let bytes = (head >> 5) + 2;
    const isLong = bytes === 9;
    if (<usize>(isLong ? 2 : 1) > end - at) return false;
    if (isLong) bytes += load<u8>(at++);
    const distance = ((<usize>(head & 31)) << 8) + <usize>load<u8>(at++) + 1;
    if (distance > out - target || bytes > <u32>(targetEnd - out)) return false;
    // The source may reach into the copy.
    if (distance >= <usize>bytes) copyBytes(out, out - distance, bytes);
    else for (let i: usize = 0; i < <usize>bytes; i++) store<u8>(out + i, load<u8>(out + i - distance));
    out += bytes;
  }
  return out === targetEnd;
}
