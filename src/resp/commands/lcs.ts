/**
 * LCS, the longest common subsequence of two values. It goes through Redis' table, so that it finds the same
 * one of several.
 */

import { parseInt64, wordOf } from '../arguments.js';
import { type Call, type Command, NOT_AN_INTEGER, SYNTAX_ERROR } from '../command.js';
import { Failure, MapReply, type Reply } from '../reply.js';

/** The command LCS. */
export const lcsCommands: readonly Command[] = [
  {
    name: 'lcs',
    arity: -3,
    flags: ['readonly'],
    keys: [1, 2, 1],
    categories: ['read', 'string', 'slow'],
    keySpecs: [{ flags: ['RO', 'access'], index: 1, range: [1, 1, 0] }],
    since: '7.0.0',
    group: 'string',
    complexity: 'O(N*M) where N and M are the lengths of s1 and s2, respectively',
    summary: 'Find longest common substring',
    run: lcs,
  },
];

/** A run of bytes that both values have: its start in each, and its length. */
interface Match {
  readonly a: number;
  readonly b: number;
  readonly length: number;
}

const EMPTY = Buffer.alloc(0);

function lcs({ args, host }: Call): Reply {
  let wantsMatches = false;
  let wantsLength = false;
  let withMatchLength = false;
  let leastLength = 0n;
  for (let index = 3; index < args.length; index++) {
    const word = wordOf(args, index);
    if (word === 'idx') wantsMatches = true;
    else if (word === 'len') wantsLength = true;
    else if (word === 'withmatchlen') withMatchLength = true;
    else if (word === 'minmatchlen' && index + 1 < args.length) {
      const least = parseInt64(args[++index]!);
      if (least === undefined) return NOT_AN_INTEGER;
      leastLength = least;
    } else return SYNTAX_ERROR;
  }
  if (wantsLength && wantsMatches) {
    return new Failure('ERR If you want both the length and indexes, please just use IDX.');
  }
  const engine = host.engine();
  const cells = ((engine.values.length(args[1]!) ?? 0) + 1) * ((engine.values.length(args[2]!) ?? 0) + 1);
  if (4 * cells > host.settings.maxValueBytes) {
    return new Failure('ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len');
  }
  const a = engine.get(args[1]!) ?? EMPTY;
  const b = engine.get(args[2]!) ?? EMPTY;
  const matches = matchesOf(a, b, stepsOf(a, b));
  const length = matches.reduce((sum, match) => sum + match.length, 0);
  if (wantsLength) return length;
  if (!wantsMatches) {
    return Buffer.concat(matches.reverse().map((match) => a.subarray(match.a, match.a + match.length)));
  }
  const shown = matches
    .filter((match) => BigInt(match.length) >= leastLength)
    .map((match) => {
      const ends = [match.a, match.b].map((start) => [start, start + match.length - 1]);
      return withMatchLength ? [...ends, match.length] : ends;
    });
  return new MapReply([
    ['matches', shown],
    ['len', length],
  ]);
}

/** Columns of the table that a word has. With them, a sum of two words and a carry is a small integer. */
const WORD_BITS = 30;
const WORD_MASK = 2 ** WORD_BITS - 1;

/**
 * For the first bytes of `a` (rows) and of `b` (columns), their longest common subsequence grows by at most 1
 * from a column to the next. The table has a bit for each: 0 where it grows, 1 where it stays. A row is made
 * of the one above by sums of words (H. Hyyrö, "Bit-parallel LCS-length computation revisited", 2004).
 */
interface Steps {
  /** Row 0 is that of no byte of `a`. */
  readonly bits: Int32Array;
  /** Words of a row. */
  readonly width: number;
}

function stepsOf(a: Buffer, b: Buffer): Steps {
  const width = Math.ceil(b.length / WORD_BITS);
  const bits = new Int32Array((a.length + 1) * width).fill(WORD_MASK, 0, width);
  const placesOf: (Int32Array | undefined)[] = new Array(256).fill(undefined);
  for (const byte of a) placesOf[byte] ??= new Int32Array(width);
  for (let j = 0; j < b.length; j++) {
    const places = placesOf[b[j]!];
    if (places !== undefined) places[Math.floor(j / WORD_BITS)]! |= 1 << (j % WORD_BITS);
  }
  for (let i = 1; i <= a.length; i++) fillRow(bits, i * width, placesOf[a[i - 1]!]!);
  return { bits, width };
}

/** Fills the row at `start` from the one above; `places` are the columns that have the row's byte. */
function fillRow(bits: Int32Array, start: number, places: Int32Array): void {
  const width = places.length;
  let carry = 0;
  for (let at = 0; at < width; at++) {
    const above = bits[start - width + at]!;
    const common = above & places[at]!;
    const sum = above + common + carry;
    carry = sum >>> WORD_BITS;
    bits[start + at] = (sum | (above & ~common)) & WORD_MASK;
  }
}

/** The runs of one longest common subsequence, the last one first. */
function matchesOf(a: Buffer, b: Buffer, { bits, width }: Steps): Match[] {
  const matches: Match[] = [];
  let i = a.length;
  let j = b.length;
  let run = 0;
  const endRun = () => {
    if (run > 0) matches.push({ a: i, b: j, length: run });
    run = 0;
  };
  while (i > 0 && j > 0) {
    if (a[i - 1] === b[j - 1]) {
      run += 1;
      i -= 1;
      j -= 1;
      continue;
    }
    endRun();
    // Where the bytes differ, a length that grows at this column is the one above, which is the greater one.
    const word = bits[i * width + Math.floor((j - 1) / WORD_BITS)]!;
    if (((word >>> ((j - 1) % WORD_BITS)) & 1) === 0) i -= 1;
    else j -= 1;
  }
  endRun();
  return matches;
}
