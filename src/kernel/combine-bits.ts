// BITOP: the bits of several values become those of another.
import { copyBytes } from './bytes';
import {
  BITOP_AND,
  BITOP_ANDOR,
  BITOP_DIFF,
  BITOP_DIFF1,
  BITOP_NOT,
  BITOP_ONE,
  BITOP_SOURCE_BYTES,
  BITOP_XOR,
} from './layout';

/** So many bytes of all values are combined together, in the processor's cache. */
const CHUNK_BYTES: u32 = 16384;
const WORD_BYTES: u32 = 16;
/** The combined bytes of the chunk at hand; for BITOP_ONE also the bits that came more than once. */
const chunk: usize = memory.data(16384, 16);
const repeated: usize = memory.data(16384, 16);
/** The end of a value, filled up with zeros to a word. */
const lastWord: usize = memory.data(16, 16);

/**
 * Combines `count` values into the `bytes` bytes at `result`. Bytes that a value does not have are zeros.
 * `operation` is one of BITOP_*, `sources` has BITOP_SOURCE_BYTES for each value: its address and its
 * length (u32 each).
 */
export function combineBits(operation: u32, sources: usize, count: u32, result: usize, bytes: u32): void {
  // For these the first value meets what the others are together.
  const isFirstApart = operation === BITOP_DIFF || operation === BITOP_DIFF1 || operation === BITOP_ANDOR;
  const end = sources + <usize>count * BITOP_SOURCE_BYTES;
  for (let start: u32 = 0; start < bytes; start += CHUNK_BYTES) {
    memory.fill(chunk, 0, CHUNK_BYTES);
    if (operation === BITOP_ONE) memory.fill(repeated, 0, CHUNK_BYTES);
    for (let source = sources; source < end; source += BITOP_SOURCE_BYTES) {
      const isFirst = source === sources;
      if (isFirst && isFirstApart) continue;
      mixChunk(isFirst && operation === BITOP_AND ? BITOP_XOR : operation, source, start);
    }
    if (isFirstApart) meetFirst(operation, sources, start);
    else if (operation === BITOP_NOT || operation === BITOP_ONE) finishChunk(operation);
    memory.copy(result + start, chunk, min(CHUNK_BYTES, bytes - start));
  }
}

/** Combines the chunk of a value from `start` on with what is there. */
function mixChunk(operation: u32, source: usize, start: u32): void {
  const at = openChunk(source, start);
  let offset: u32 = 0;
  for (; offset < wholeBytes; offset += WORD_BYTES) mix(operation, offset, v128.load(at + offset));
  if (hasLastWord) {
    mix(operation, offset, v128.load(lastWord));
    offset += WORD_BYTES;
  }
  if (operation === BITOP_AND) memory.fill(chunk + offset, 0, CHUNK_BYTES - offset);
}

/** Combines what the others are together with the first value. */
function meetFirst(operation: u32, source: usize, start: u32): void {
  const at = openChunk(source, start);
  let offset: u32 = 0;
  for (; offset < wholeBytes; offset += WORD_BYTES) meet(operation, offset, v128.load(at + offset));
  if (hasLastWord) {
    meet(operation, offset, v128.load(lastWord));
    offset += WORD_BYTES;
  }
  if (operation !== BITOP_DIFF1) memory.fill(chunk + offset, 0, CHUNK_BYTES - offset);
}

/** Of the value that was opened: the bytes of its chunk in whole words, and whether `lastWord` has more. */
let wholeBytes: u32 = 0;
let hasLastWord: bool = false;

/** Returns the address of a value's chunk. */
function openChunk(source: usize, start: u32): usize {
  const at = <usize>load<u32>(source) + start;
  const length = load<u32>(source, 4);
  const bytes = length <= start ? 0 : min(CHUNK_BYTES, length - start);
  wholeBytes = bytes & ~(WORD_BYTES - 1);
  hasLastWord = wholeBytes !== bytes;
  if (hasLastWord) {
    memory.fill(lastWord, 0, WORD_BYTES);
    copyBytes(lastWord, at + wholeBytes, bytes - wholeBytes);
  }
  return at;
}

function mix(operation: u32, offset: u32, word: v128): void {
  const place = chunk + offset;
  const before = v128.load(place);
  if (operation === BITOP_AND) v128.store(place, v128.and(before, word));
  else if (operation === BITOP_XOR) v128.store(place, v128.xor(before, word));
  else if (operation === BITOP_ONE) {
    const more = repeated + offset;
    v128.store(more, v128.or(v128.load(more), v128.and(before, word)));
    v128.store(place, v128.xor(before, word));
  } else v128.store(place, v128.or(before, word));
}

function meet(operation: u32, offset: u32, first: v128): void {
  const place = chunk + offset;
  const others = v128.load(place);
  if (operation === BITOP_DIFF) v128.store(place, v128.andnot(first, others));
  else if (operation === BITOP_DIFF1) v128.store(place, v128.andnot(others, first));
  else v128.store(place, v128.and(others, first));
}

function finishChunk(operation: u32): void {
  for (let offset: u32 = 0; offset < CHUNK_BYTES; offset += WORD_BYTES) {
    const place = chunk + offset;
    const word = v128.load(place);
    if (operation === BITOP_NOT) v128.store(place, v128.not(word));
    else v128.store(place, v128.andnot(word, v128.load(repeated + offset)));
  }
}
