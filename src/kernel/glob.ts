// Redis' glob patterns (stringmatchlen in util.c of 7.0.15), quirks included: bytes are signed, a class that
// is not closed ends with the pattern, an escape in a class keeps its case, an empty text matches the empty
// pattern alone.
//
// Redis recurses at each star. Here only the last star is gone back to, because what matched before it can
// stay as it is. So the work is at worst the product of the text's length and the count of the pattern's
// elements, and there is no stack: a class, which may be long, is looked up in a set once that pays.

/** Redis gives up on patterns that nest deeper; a star at the end does not count. */
const STARS_MAX: u32 = 1000;

const STAR: u8 = 0x2a;
const QUESTION: u8 = 0x3f;
const OPENING: u8 = 0x5b;
const BACKSLASH: u8 = 0x5c;
const CLOSING: u8 = 0x5d;
const CARET: u8 = 0x5e;
const DASH: u8 = 0x2d;

/** Address behind the element that `matchesElement` looked at last. */
let behind: usize = 0;

/**
 * After going back so often in a text, its classes are read into sets: that reads each of them 256 times,
 * which no more than doubles the work so far.
 */
const RETRIES_BEFORE_SETS: u32 = 256;
/** Sets of one pattern; further classes are read each time. */
const SETS: usize = 64;
/** For each set: 0 the address of its class or 0, 4 the address behind it, 8 a bit for each byte. */
const SET_BYTES: usize = 40;
const sets: usize = memory.data(2560, 8);
let usesSets: bool = false;

/** Returns whether the pattern matches the whole text. */
export function matches(
  pattern: usize,
  patternBytes: u32,
  text: usize,
  textBytes: u32,
  ignoreCase: bool,
): bool {
  if (textBytes === 0) return patternBytes === 0;
  const patternEnd = pattern + <usize>patternBytes;
  const textEnd = text + <usize>textBytes;
  // The pattern behind the last star, 0 before the first one, and where in the text that star's match ends.
  let retryPattern: usize = 0;
  let retryText: usize = 0;
  let stars: u32 = 0;
  let retries: u32 = 0;
  usesSets = false;
  do {
    if (pattern < patternEnd && load<u8>(pattern) === STAR) {
      pattern = skipStars(pattern, patternEnd);
      if (pattern === patternEnd) return true;
      if (++stars > STARS_MAX) return false;
      retryPattern = pattern;
      retryText = text;
    } else if (pattern < patternEnd && matchesElement(pattern, patternEnd, load<u8>(text), ignoreCase)) {
      pattern = behind;
      text++;
    } else {
      if (retryPattern === 0) return false;
      pattern = retryPattern;
      text = ++retryText;
      if (++retries === RETRIES_BEFORE_SETS) openSets();
    }
  } while (text < textEnd);
  // Only stars may be left: anything else would find even less text if the last star took more of it.
  return skipStars(pattern, patternEnd) === patternEnd;
}

function skipStars(pattern: usize, end: usize): usize {
  while (pattern < end && load<u8>(pattern) === STAR) pattern++;
  return pattern;
}

/** Returns whether the element at `pattern`, which is no star, matches the byte. */
function matchesElement(pattern: usize, end: usize, byte: u8, ignoreCase: bool): bool {
  const first = load<u8>(pattern);
  if (first === OPENING) {
    return usesSets
      ? isInSet(pattern + 1, end, byte, ignoreCase)
      : matchesClass(pattern + 1, end, byte, ignoreCase);
  }
  behind = pattern + 1;
  if (first === QUESTION) return true;
  if (first !== BACKSLASH || behind === end) return isSame(first, byte, ignoreCase);
  behind++;
  return isSame(load<u8>(pattern, 1), byte, ignoreCase);
}

/** Empties the sets, which are those of the text at hand. */
function openSets(): void {
  memory.fill(sets, 0, SETS * SET_BYTES);
  usesSets = true;
}

/** Returns what `matchesClass` does, from the class' set if there is room for one. */
function isInSet(at: usize, end: usize, byte: u8, ignoreCase: bool): bool {
  let set: usize = 0;
  let tries: usize = 0;
  for (; tries < SETS; tries++) {
    set = sets + ((at + tries) % SETS) * SET_BYTES;
    const owner = <usize>load<u32>(set);
    if (owner === at) break;
    if (owner !== 0) continue;
    fillSet(set, at, end, ignoreCase);
    break;
  }
  if (tries === SETS) return matchesClass(at, end, byte, ignoreCase);
  behind = <usize>load<u32>(set, 4);
  const bits: u32 = load<u8>(set + (<usize>byte >> 3), 8);
  return ((bits >> (<u32>byte & 7)) & 1) !== 0;
}

/** Reads a class into its set. */
function fillSet(set: usize, at: usize, end: usize, ignoreCase: bool): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    if (!matchesClass(at, end, <u8>byte, ignoreCase)) continue;
    const cell = set + <usize>(byte >> 3);
    const bits: u32 = load<u8>(cell, 8);
    const bit: u32 = (<u32>1) << (byte & 7);
    store<u8>(cell, <u8>(bits | bit), 8);
  }
  store<u32>(set, <u32>at);
  store<u32>(set, <u32>behind, 4);
}

/** Returns whether the class, which begins behind its bracket at `at`, has the byte. */
function matchesClass(at: usize, end: usize, byte: u8, ignoreCase: bool): bool {
  const negated = at < end && load<u8>(at) === CARET;
  if (negated) at++;
  let found = false;
  for (; at < end && load<u8>(at) !== CLOSING; at++) {
    const left = end - at;
    if (load<u8>(at) === BACKSLASH && left >= 2) {
      if (load<u8>(++at) === byte) found = true;
    } else if (left >= 3 && load<u8>(at, 1) === DASH) {
      if (isWithin(byte, load<u8>(at), load<u8>(at, 2), ignoreCase)) found = true;
      at += 2;
    } else if (isSame(load<u8>(at), byte, ignoreCase)) found = true;
  }
  behind = at < end ? at + 1 : end;
  return found !== negated;
}

function isSame(one: u8, other: u8, ignoreCase: bool): bool {
  return one === other || (ignoreCase && lower(<i8>one) === lower(<i8>other));
}

function isWithin(byte: u8, one: u8, other: u8, ignoreCase: bool): bool {
  const least: i32 = min<i8>(<i8>one, <i8>other);
  const most: i32 = max<i8>(<i8>one, <i8>other);
  const value: i32 = <i8>byte;
  if (!ignoreCase) return value >= least && value <= most;
  return lower(value) >= lower(least) && lower(value) <= lower(most);
}

/** Does what C's tolower does to a signed char: bytes from 0x80 to 0xfe become positive. */
function lower(byte: i32): i32 {
  if (byte >= 0x41 && byte <= 0x5a) return byte + 0x20;
  return byte < -1 ? byte + 256 : byte;
}
